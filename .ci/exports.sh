# Files for other programs, read by these programs: W&B's client, ONNX Runtime, NumPy, safetensors.
# Sourced by `run`, which makes $scratch and builds the program.
#
# A stand-in for W&B's server comes from HANDLOOM_WANDB_STUB, else from ../shared/wandb_stub; without it nothing
# is uploaded. HANDLOOM_CI_SKIP_WANDB=1 leaves all of this out.
# shellcheck shell=bash

# A client of before `wandb leet`, which reads runs by other code.
OLD_WANDB=0.28.0

# packages NAME PACKAGE...: a virtual environment in $scratch/NAME with these packages, or the step is skipped.
packages() {
    local venv=$scratch/$1
    shift
    python3 -m venv "$venv" || skip "python3 has no venv"
    timeout 600 "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@" || skip "pip cannot install $*"
}

# begun_twice FILE PID: waits for two epochs in FILE.
begun_twice() {
    until [[ $(grep -c '"event":"epoch"' "$1") -ge 2 ]]; do
        kill -0 "$2" 2>/dev/null || { echo "it ended before it was killed"; return 1; }
        sleep 0.02
    done
}

exported() {
    [[ -z ${HANDLOOM_CI_SKIP_WANDB:-} ]] || skip "HANDLOOM_CI_SKIP_WANDB is set"
    command -v python3 >/dev/null || skip "no python3"
    local program tests=$PWD/crates/export/tests/external stub=${HANDLOOM_WANDB_STUB:-../shared/wandb_stub/stub_server.py}
    program=$(realpath "$target/release/handloom")
    stub=$(realpath -m "$stub")
    unset "${!WANDB_@}"
    packages new wandb onnx onnxruntime numpy safetensors
    packages old "wandb==$OLD_WANDB"
    local python=$scratch/new/bin/python old=$scratch/old/bin/python
    if [[ -f $stub ]]; then
        export HANDLOOM_WANDB_STUB=$stub
    else
        stub=
        echo "NOT TRIED: uploads, since neither HANDLOOM_WANDB_STUB nor ../shared/wandb_stub is there"
    fi
    mkdir "$scratch/exports"
    cd "$scratch/exports"

    "$program" train -d garments -e 3 -nhl 1 -sz 8 --wandb offline -wp ci --tag first --notes "a remark" --name traced
    local first
    first=$(realpath wandb/latest-run)
    "$program" train -d garments -e 3 -nhl 2 -sz 16 --no-test --quiet --name plain
    "$program" export plain --format wandb -wp ci

    "$program" train -d garments -e 5000 -nhl 2 -sz 64 --wandb offline -wp ci --json --quiet --name killed >killed.jsonl &
    local pid=$!
    begun_twice killed.jsonl "$pid"
    sleep 0.1
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null || true
    "$program" train -d garments -e 40 -nhl 3 -sz 128 --wandb offline -wp ci --json --quiet --name resumed >resumed.jsonl &
    pid=$!
    begun_twice resumed.jsonl "$pid"
    kill -TERM "$pid"
    wait "$pid" || [[ $? -eq 143 ]]
    "$program" train --resume resumed --quiet

    local folder folders=(wandb/offline-run-*) code=0
    # Logged, exported, killed, stopped, resumed.
    [[ ${#folders[@]} -eq 5 ]] || { echo "${#folders[@]} W&B runs, not 5"; return 1; }
    for folder in "${folders[@]}"; do
        echo "$folder"
        "$python" "$tests/wandb_read.py" "$folder" || code=1
        "$old" "$tests/wandb_read.py" "$folder" || code=1
    done
    if [[ -n $stub ]]; then
        "$python" "$tests/wandb_sync.py" "${folders[@]}" || code=1
        "$old" "$tests/wandb_sync.py" "$first" || code=1
        "$python" "$tests/wandb_sync.py" --live "$program" train -d garments -e 60 -nhl 3 -sz 512 -b 16 --wandb online || code=1
    fi

    local format name
    for name in traced plain; do
        for format in safetensors onnx npz; do
            "$program" export "$name" --format "$format" -o "$name.$format"
        done
    done
    "$python" "$tests/models_read.py" traced plain || code=1
    "$program" export --format csv
    "$python" -c 'import csv; rows = list(csv.DictReader(open("runs.csv"))); assert [r["name"] for r in rows] == ["traced", "plain", "killed", "resumed"], rows' || code=1
    return "$code"
}

step "exports, read by those they are for" exported
