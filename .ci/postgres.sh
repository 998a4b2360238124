#!/usr/bin/env bash
# A PostgreSQL server of one's own for the tests, on a free port, gone afterwards.
#
# `.ci/postgres.sh COMMAND...` runs the command with HANDLOOM_TEST_POSTGRES set, and exits 99 with a line that says why
# if there can be no server. Sourced, it offers `start_postgres` and `stop_postgres`; the former fails in the same case
# with the reason in `postgres_missing`. A server that HANDLOOM_TEST_POSTGRES names already is used as it is.
# shellcheck shell=bash

postgres_missing='' postgres_home='' postgres_bin=''

# Folder of initdb and pg_ctl, if there is one.
find_postgres() {
    local found
    found=$(command -v pg_ctl || true)
    [[ -z $found ]] || found=$(dirname "$(readlink -f "$found")")
    # Debian keeps them off the path; the newest version is the last.
    [[ -n $found ]] || found=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
    [[ -x $found/initdb && -x $found/pg_ctl ]] && postgres_bin=$found
}

install_postgres() {
    local sudo=()
    command -v apt-get >/dev/null || { postgres_missing="PostgreSQL is not installed, and there is no apt-get"; return 1; }
    if [[ $(id -u) -ne 0 ]]; then
        sudo=(sudo -n)
        sudo -n true 2>/dev/null || { postgres_missing="PostgreSQL is not installed, and only root may install it"; return 1; }
    fi
    { timeout 300 "${sudo[@]}" apt-get -qq update &&
        DEBIAN_FRONTEND=noninteractive timeout 600 "${sudo[@]}" apt-get -qq install --yes --no-install-recommends postgresql; } \
        >/dev/null 2>&1 || { postgres_missing="PostgreSQL is not installed, and apt-get cannot install it"; return 1; }
}

# Runs a command as somebody who is not root, whom PostgreSQL refuses.
as_postgres() {
    if [[ $(id -u) -ne 0 ]]; then
        "$@"
    else
        (cd / && runuser -u postgres -- "$@")
    fi
}

start_postgres() {
    [[ -z ${HANDLOOM_TEST_POSTGRES:-} ]] || return 0
    if ! find_postgres; then
        install_postgres || return 1
        find_postgres || { postgres_missing="apt-get installed PostgreSQL, but no pg_ctl is to be found"; return 1; }
    fi
    if [[ $(id -u) -eq 0 ]] && ! { command -v runuser && id postgres; } >/dev/null 2>&1; then
        postgres_missing="PostgreSQL does not run as root, and there is no runuser or no user postgres"
        return 1
    fi
    postgres_home=$(mktemp -d)
    [[ $(id -u) -ne 0 ]] || chown postgres "$postgres_home"
    local data=$postgres_home/data password port ssl=off
    password=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
    echo "$password" >"$postgres_home/password"
    # Encrypted if a certificate can be made, so that the tests see both.
    if command -v openssl >/dev/null && as_postgres openssl req -new -x509 -nodes -days 2 -subj /CN=localhost \
        -keyout "$postgres_home/key.pem" -out "$postgres_home/certificate.pem" >/dev/null 2>&1; then
        ssl=on
    fi
    chmod a+r "$postgres_home/password"
    if ! as_postgres "$postgres_bin/initdb" --pgdata "$data" --username handloom --pwfile "$postgres_home/password" \
        --auth scram-sha-256 --encoding UTF8 --no-sync >"$postgres_home/log" 2>&1; then
        postgres_missing="initdb failed: $(tail -n 1 "$postgres_home/log")"
        stop_postgres
        return 1
    fi
    # Data that is thrown away need not survive a power cut.
    as_postgres tee -a "$data/postgresql.conf" >/dev/null <<CONFIGURATION
listen_addresses = '127.0.0.1'
unix_socket_directories = '$postgres_home'
fsync = off
ssl = $ssl
ssl_cert_file = '$postgres_home/certificate.pem'
ssl_key_file = '$postgres_home/key.pem'
CONFIGURATION
    for port in $(shuf -i 20000-45000 -n 5); do
        if as_postgres "$postgres_bin/pg_ctl" --pgdata "$data" --log "$data/server.log" --wait --timeout 60 \
            --options "-p $port" start >>"$postgres_home/log" 2>&1; then
            export HANDLOOM_TEST_POSTGRES="postgres://handloom:$password@127.0.0.1:$port/postgres"
            return 0
        fi
    done
    postgres_missing="PostgreSQL did not start: $(tail -n 1 "$data/server.log" 2>/dev/null)"
    stop_postgres
    return 1
}

stop_postgres() {
    [[ -n $postgres_home ]] || return 0
    if [[ -e $postgres_home/data/postmaster.pid ]]; then
        as_postgres "$postgres_bin/pg_ctl" --pgdata "$postgres_home/data" --mode immediate stop >/dev/null 2>&1 || true
        unset HANDLOOM_TEST_POSTGRES
    fi
    rm -rf "$postgres_home"
    postgres_home=
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
    set -euo pipefail
    trap stop_postgres EXIT
    start_postgres || { echo "SKIPPED: $postgres_missing"; exit 99; }
    "$@"
fi
