# The store on PostgreSQL, and a run that is killed. Sourced by `run`.
# shellcheck shell=bash

# The conformance suite, and one run that another machine (here: another folder) reads.
on_postgres() {
    local postgres=$PWD/.ci/postgres.sh
    # Of the whole workspace, as the tests were built: by itself the crate has other features of its dependencies.
    "$postgres" cargo test --locked --workspace --test conformance
    "$postgres" bash -euo pipefail -c '
        handloom=$1 here=$(mktemp -d) there=$(mktemp -d)
        trap "rm -rf $here $there" EXIT
        export HANDLOOM_STORE=$HANDLOOM_TEST_POSTGRES
        (cd "$here" && "$handloom" train -d garments -e 2 -nhl 1 -sz 16 --quiet --json >done.json)
        grep -q "\"status\":\"finished\"" "$here/done.json"
        cd "$there"
        "$handloom" evaluate @last --quiet --json | grep -q "\"openings\":2"
        "$handloom" ls --json | grep -q "\"status\":\"finished\""
        echo "trained in one folder, evaluated and listed from another"
    ' bash "$(realpath "$target/release/handloom")"
}

# kill -9 at any moment leaves a readable store in which the run shows as killed, and which `--resume` finishes.
survives() {
    local handloom folder process run tries killed=0
    handloom=$(realpath "$target/release/handloom")
    folder=$(mktemp -d)
    cd "$folder"
    # Until seven kills hit a run: one that comes after its end says nothing.
    for tries in {1..200}; do
        "$handloom" train -d garments -e 40 -nhl 1 -sz 128 --no-test --quiet --json >events.json &
        process=$!
        # From the first event, which comes when the run is recorded, to late in the training, whatever the speed of
        # this machine.
        until [[ $(grep -c '"event":' events.json) -ge $((1 + 5 * killed)) ]] || ! kill -0 "$process" 2>/dev/null; do
            sleep 0.02
        done
        sleep "0.0$((RANDOM % 10))"
        kill -9 "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
        "$handloom" ls --json >runs.json
        run=$(grep '"status":"killed"' runs.json | head -n 1 | sed -n 's/.*"run":"\([a-z0-9]*\)".*/\1/p' || true)
        [[ -n $run ]] || continue
        killed=$((killed + 1))
        "$handloom" train --resume "$run" --quiet --json | tail -n 1 | grep -q '"status":"finished"'
        [[ $("$handloom" show "$run" --json | grep -o '"train_loss"' | wc -l) -ge 40 ]] || { echo "epochs of $run are missing"; return 1; }
        [[ $killed -lt 7 ]] || break
    done
    cd - >/dev/null
    rm -rf "$folder"
    echo "killed and resumed $killed times, of $tries attempts"
    [[ $killed -eq 7 ]]
}

# Agents that are killed lose no trial; more kills: crates/cli/tests/external/agent_kills.py PROGRAM 300.
agents_survive() {
    command -v python3 >/dev/null || skip "no python3"
    python3 crates/cli/tests/external/agent_kills.py "$target/release/handloom" 12
}

step "store on PostgreSQL" on_postgres
step "kill -9 and resume" survives
step "agents that are killed" agents_survive
