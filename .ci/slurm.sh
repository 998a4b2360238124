#!/usr/bin/env bash
# A Slurm cluster of one's own on the loopback interface for the tests: two nodes of two cores on this machine, gone
# afterwards.
#
# `.ci/slurm.sh COMMAND...` runs the command with SLURM_CONF set, and exits 99 with a line that says why if there can be
# no cluster. Sourced, it offers `start_slurm` and `stop_slurm`; the former fails in the same case with the reason in
# `slurm_missing`. Only root may start jobs of others, so it wants to be root.
# shellcheck shell=bash

slurm_missing='' slurm_home=''

# Debian keeps the daemons out of the path of some users.
slurm_path() {
    PATH=$PATH:/usr/sbin:/sbin
    local program
    for program in munged slurmctld slurmd sbatch squeue scontrol; do
        command -v "$program" >/dev/null || { slurm_missing="Slurm is not installed: no $program"; return 1; }
    done
}

install_slurm() {
    command -v apt-get >/dev/null || { slurm_missing="Slurm is not installed, and there is no apt-get"; return 1; }
    { timeout 300 apt-get -qq update &&
        DEBIAN_FRONTEND=noninteractive timeout 600 apt-get -qq install --yes --no-install-recommends slurmctld slurmd slurm-client munge; } \
        >/dev/null 2>&1 || { slurm_missing="Slurm is not installed, and apt-get cannot install it"; return 1; }
}

# free_ports COUNT: as many ports that nobody listens on.
free_ports() {
    local port found=0
    while read -r port; do
        # A port that can be connected to has its server.
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && continue
        echo "$port"
        found=$((found + 1))
        [[ $found -lt $1 ]] || return 0
    done < <(shuf -i 20000-32000)
}

start_slurm() {
    [[ $(id -u) -eq 0 ]] || { slurm_missing="only root may start a Slurm node"; return 1; }
    if ! slurm_path; then
        install_slurm && slurm_path || return 1
    fi
    slurm_home=$(mktemp -d)
    chmod 755 "$slurm_home"
    local munge=$slurm_home/munge host ports
    host=$(hostname -s)
    mapfile -t ports < <(free_ports 3)
    mkdir -m 755 "$slurm_home/state" "$slurm_home/spool" "$munge"
    head -c 1024 /dev/urandom >"$munge/key"
    chmod 600 "$munge/key"
    if ! munged --key-file="$munge/key" --socket="$munge/socket" --pid-file="$munge/pid" --log-file="$munge/log" \
        --seed-file="$munge/seed" 2>"$slurm_home/munged.err"; then
        slurm_missing="munged did not start: $(tail -n 1 "$slurm_home/munged.err")"
        stop_slurm
        return 1
    fi
    # Neither systemd nor control groups are needed. A task that is requeued begins KillWait later.
    cat >"$slurm_home/slurm.conf" <<CONFIGURATION
ClusterName=handloom
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$munge/socket
CredType=cred/munge
SlurmctldPort=${ports[0]}
SlurmctldPidFile=$slurm_home/slurmctld.pid
SlurmctldLogFile=$slurm_home/slurmctld.log
SlurmdPidFile=$slurm_home/slurmd.%n.pid
SlurmdLogFile=$slurm_home/slurmd.%n.log
SlurmdSpoolDir=$slurm_home/spool/%n
StateSaveLocation=$slurm_home/state
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
KillWait=5
MinJobAge=300
ReturnToService=2
SlurmdParameters=config_overrides
NodeName=first NodeHostname=$host NodeAddr=127.0.0.1 Port=${ports[1]} CPUs=2 RealMemory=8000 State=UNKNOWN
NodeName=second NodeHostname=$host NodeAddr=127.0.0.1 Port=${ports[2]} CPUs=2 RealMemory=8000 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONFIGURATION
    export SLURM_CONF=$slurm_home/slurm.conf
    local node moment
    slurmctld && for node in first second; do slurmd -N "$node" || break; done
    for moment in {1..60}; do
        [[ $(sinfo --noheader --format %D --states idle 2>/dev/null) != 2 ]] || return 0
        sleep 0.5
    done
    slurm_missing="Slurm's nodes did not come up within $((moment / 2)) s: $(tail -qn 1 "$slurm_home"/slurm*.log | tr '\n' ' ')"
    stop_slurm
    return 1
}

stop_slurm() {
    [[ -n $slurm_home ]] || return 0
    local file process
    scancel --state=RUNNING,PENDING --user=root --quiet 2>/dev/null || true
    for file in "$slurm_home"/slurmd.*.pid "$slurm_home/slurmctld.pid" "$slurm_home/munge/pid"; do
        process=$(cat "$file" 2>/dev/null) || continue
        kill "$process" 2>/dev/null || continue
        # Each before the one that it asks.
        for _ in {1..100}; do
            kill -0 "$process" 2>/dev/null || break
            sleep 0.1
        done
    done
    rm -rf "$slurm_home"
    slurm_home=
    unset SLURM_CONF
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
    set -euo pipefail
    trap stop_slurm EXIT
    start_slurm || { echo "SKIPPED: $slurm_missing"; exit 99; }
    "$@"
fi
