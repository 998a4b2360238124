# Sweeps on many machines: PostgreSQL with agents that are killed and cut off, Slurm, and the recipe for Kubernetes.
# Sourced by `run`, which makes $scratch and builds the program.
# shellcheck shell=bash

handloom=$(realpath -m "$target/release/handloom")

# Agents in network namespaces; see the script.
cut_off() {
    command -v python3 >/dev/null || skip "no python3"
    { [[ $(id -u) -eq 0 ]] && ip netns add "probe$$" && ip netns delete "probe$$"; } 2>/dev/null ||
        skip "only root may make network namespaces, and needs \`ip\`"
    local code=0
    .ci/postgres.sh bash -c '"$@" "$HANDLOOM_TEST_POSTGRES"' bash \
        python3 crates/cli/tests/external/many_machines.py "$handloom" || code=$?
    [[ $code -ne 99 ]] || exit "$SKIP"
    return "$code"
}

# results STORE SWEEP: number, parameters, validation accuracy and weights of each trial, sorted.
results() {
    "$handloom" sweep show "$2" --store "$1" --json | tail -n 1 >"$scratch/shown.json"
    "$handloom" ls --store "$1" --json >"$scratch/listed.json"
    python3 - "$scratch/shown.json" "$scratch/listed.json" <<'PYTHON'
import json
import sys

shown = json.load(open(sys.argv[1]))
weights = {run["run"]: run["weights_sha256"] for run in map(json.loads, open(sys.argv[2]))}
assert all(trial["status"] == "finished" for trial in shown["trials"]), shown
for trial in sorted(shown["trials"], key=lambda trial: trial["number"]):
    print(trial["number"], json.dumps(trial["parameters"], sort_keys=True), trial["val_accuracy"], weights[trial["run"]])
PYTHON
}

# Number of finished trials of a sweep.
finished() {
    "$handloom" sweep show "$1" --json | tail -n 1 | grep -o '"status":"finished"' | wc -l
}

# A sweep as an array job of the shipped recipe. One task is requeued by Slurm, one agent is killed, and one is told
# that its time is up.
array_job() {
    local moment job task code
    mkdir -p "$scratch/slurm/home"
    cat >"$scratch/slurm/sweep.yaml" <<'SWEEP'
method: grid
metric: {name: val_accuracy, goal: maximize}
parameters:
  dataset: {value: garments}
  epochs: {value: 5}
  batch_size: {value: 32}
  num_layers: {value: 2}
  learning_rate: {values: [0.0005, 0.001, 0.002, 0.004]}
  hidden_size: {values: [32, 48, 64, 96]}
  activation: {values: [relu, tanh]}
SWEEP
    export PATH=$PATH:/usr/sbin HOME=$scratch/slurm/home HANDLOOM_SBATCH=$PWD/configs/slurm.sbatch
    cd "$scratch/slurm"
    # The recipe finds program and store as a user's job would: the one in PATH, the other in a file of its own.
    mkdir -p "$HOME/.config/handloom"
    (umask 077 && echo "$HANDLOOM_TEST_POSTGRES" >"$HOME/.config/handloom/store")
    PATH=$(dirname "$handloom"):$PATH
    local id
    id=$(HANDLOOM_STORE=$HANDLOOM_TEST_POSTGRES handloom sweep create sweep.yaml --json | tail -n 1 | sed -n 's/.*"sweep":"\([^"]*\)".*/\1/p')
    job=$(sbatch --parsable --array=0-2 --cpus-per-task=1 "$HANDLOOM_SBATCH" "$id")
    export HANDLOOM_STORE=$HANDLOOM_TEST_POSTGRES
    for moment in {1..300}; do
        [[ $(squeue --noheader --job "$job" --state=RUNNING | wc -l) -eq 3 && $(finished "$id") -ge 2 ]] && break
        sleep 0.2
    done
    echo "$(finished "$id") trials were done"
    scontrol requeue "${job}_0"
    scancel --batch --signal=USR1 "${job}_1"
    for process in /proc/[0-9]*; do
        [[ $(cat "$process/comm" 2>/dev/null) == handloom ]] || continue
        if grep -qz "^SLURM_ARRAY_JOB_ID=$job\$" "$process/environ" && grep -qz '^SLURM_ARRAY_TASK_ID=2$' "$process/environ"; then
            kill -KILL "${process#/proc/}"
        fi
    done
    for moment in {1..600}; do
        [[ -n $(squeue --noheader --job "$job") ]] || break
        # Slurm lets a task that was requeued wait for two minutes.
        for task in $(squeue --noheader --array --job "$job" --state=PENDING --format %i); do
            scontrol update JobId="$task" StartTime=now 2>/dev/null || true
        done
        sleep 0.5
    done
    tail -n 5 handloom-*.log
    [[ -z $(squeue --noheader --job "$job") ]] || { echo "the job did not end"; squeue; return 1; }
    # End of each task: requeued twice, and killed.
    for task in 0 1 2; do
        scontrol show job "${job}_$task" --oneliner | grep -o 'ArrayTaskId=[0-9]* \|JobState=[A-Z]*\|Restarts=[0-9]*\|ExitCode=[0-9:]*' | tr '\n' ' '
        echo
    done
    scontrol show job "${job}_0" | grep -q 'Restarts=1' || { echo "task 0 was not requeued"; return 1; }
    scontrol show job "${job}_1" | grep -q 'Restarts=1' || { echo "task 1 did not queue again"; return 1; }
    scontrol show job "${job}_2" | grep -q 'ExitCode=137' || { echo "the agent of task 2 was not killed"; return 1; }
    for task in 0 1; do
        scontrol show job "${job}_$task" | grep -q 'JobState=COMPLETED' || { echo "task $task did not complete"; return 1; }
    done
    results "$HANDLOOM_TEST_POSTGRES" "$id" >"$scratch/slurm.txt"
    unset HANDLOOM_STORE
    handloom sweep sweep.yaml --store "$scratch/slurm/alone" --quiet
    results "$scratch/slurm/alone" @last >"$scratch/alone.txt"
    [[ $(wc -l <"$scratch/alone.txt") -eq 32 ]]
    diff "$scratch/alone.txt" "$scratch/slurm.txt"
    echo "32 trials, the same as on one machine"
}

on_slurm() {
    command -v python3 >/dev/null || skip "no python3"
    # shellcheck source=.ci/postgres.sh
    source .ci/postgres.sh
    # shellcheck source=.ci/slurm.sh
    source .ci/slurm.sh
    trap 'stop_slurm; stop_postgres' EXIT
    start_postgres || skip "$postgres_missing"
    start_slurm || skip "$slurm_missing"
    (set -e; array_job)
}

recipe_is_valid() {
    command -v python3 >/dev/null || skip "no python3"
    python3 -m venv "$scratch/kubernetes" || skip "python3 has no venv"
    timeout 300 "$scratch/kubernetes/bin/python" -m pip install --quiet --disable-pip-version-check kubernetes-validate ||
        skip "pip cannot install kubernetes-validate"
    "$scratch/kubernetes/bin/kubernetes-validate" --strict configs/kubernetes-job.yaml
}

step "many machines: one killed, one cut off" cut_off
step "many machines: Slurm" on_slurm
step "many machines: the recipe for Kubernetes is valid" recipe_is_valid
