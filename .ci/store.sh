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
    local handloom folder process run killed=0
    handloom=$(realpath "$target/release/handloom")
    folder=$(mktemp -d)
    cd "$folder"
    for wait in 0.05 0.15 0.3 0.5 0.8 1.3 2; do
        "$handloom" train -d garments -e 40 -nhl 1 -sz 128 --no-test --quiet --json >events.json &
        process=$!
        sleep "$wait"
        kill -9 "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
        "$handloom" ls --json >runs.json
        # Killed before it was recorded, or it was faster.
        run=$(grep '"status":"killed"' runs.json | head -n 1 | sed -n 's/.*"run":"\([a-z0-9]*\)".*/\1/p' || true)
        [[ -n $run ]] || continue
        killed=$((killed + 1))
        "$handloom" train --resume "$run" --quiet --json | tail -n 1 | grep -q '"status":"finished"'
        [[ $("$handloom" show "$run" --json | grep -o '"train_loss"' | wc -l) -ge 40 ]] || { echo "epochs of $run are missing"; return 1; }
    done
    cd - >/dev/null
    rm -rf "$folder"
    echo "killed and resumed $killed times"
    [[ $killed -gt 0 ]]
}

step "store on PostgreSQL" on_postgres
step "kill -9 and resume" survives
