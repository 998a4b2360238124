# The finished program on the real data. Sourced by `run`, which makes $scratch and builds the program.
# shellcheck shell=bash

handloom=$(realpath -m "$target/release/handloom")
missing=

# Folder of the data: given, beside the repository, or downloaded into the cache.
find_data() {
    if [[ -n ${HANDLOOM_DATA_DIR:-} ]]; then
        echo "data from HANDLOOM_DATA_DIR"
    elif [[ -d ../shared/data ]]; then
        HANDLOOM_DATA_DIR=$(realpath ../shared/data)
        export HANDLOOM_DATA_DIR
        echo "data from ../shared/data"
    else
        local name
        for name in fashion_mnist mnist; do
            "$handloom" data get "$name" || { missing="no HANDLOOM_DATA_DIR, no ../shared/data, and \`handloom data get $name\` failed"; return; }
        done
    fi
}

# need_data: skips the step if there is none.
need_data() {
    [[ -z $missing ]] || skip "$missing"
}

# figure NAME < JSON lines: a number or text of the last line that has it.
figure() {
    grep -o "\"$1\":[^,}]*" | tail -n 1 | cut -d: -f2- | tr -d '"'
}

# train STORE ARGUMENTS...: JSON lines on stdout.
train() {
    local store=$1
    shift
    "$handloom" train --store "$scratch/$store" --wandb off --json --quiet "$@"
}

notebook=(-d fashion_mnist -nhl 3 -sz 64 -a ReLU -o nadam -lr 0.001 -w_i Xavier -b 32 -w_d 0.0005 -e 10 -l cross_entropy)

sound_data() {
    need_data
    "$handloom" data check fashion_mnist
    "$handloom" data check mnist
    "$handloom" data ls
}

# Every combination passes, says so, and none would pass a bound that no arithmetic meets.
gradients() {
    local code=0
    "$handloom" gradcheck | tee "$scratch/gradcheck.txt"
    [[ $(wc -l <"$scratch/gradcheck.txt") -ge 5 ]] || { echo "it printed no table"; return 1; }
    "$handloom" gradcheck --tolerance 1e-30 >/dev/null || code=$?
    [[ $code -eq 5 ]] || { echo "exit code $code with a tolerance of 1e-30, not 5"; return 1; }
}

# reaches BOUND ACCURACY...: whether the mean is at least the bound.
reaches() {
    local bound=$1
    shift
    awk -v bound="$bound" 'BEGIN {
        for (i = 1; i < ARGC; i++) sum += ARGV[i]
        mean = sum / (ARGC - 1)
        printf "mean test accuracy %.4f, wanted %.4f\n", mean, bound
        exit !(mean >= bound)
    }' "$@"
}

# accuracies STORE SEEDS ARGUMENTS...: the test accuracy for each seed up to SEEDS, a line each.
accuracies() {
    local store=$1 seeds=$2 seed
    shift 2
    for ((seed = 1; seed <= seeds; seed++)); do
        train "$store" "$@" --seed "$seed" | figure test_accuracy
    done
}

trains_well() {
    need_data
    local bound=$1 found
    shift
    found=$(accuracies "$@")
    # shellcheck disable=SC2086
    echo "test accuracy:" $found
    # shellcheck disable=SC2086
    reaches "$bound" $found
}

default_passes() {
    need_data
    "$handloom" train -d fashion_mnist --store "$scratch/default" --wandb off --no-progress --min-accuracy 0.89
}

# Exit 5, and not 0, if the bound is not met.
min_accuracy_is_a_check() {
    need_data
    local code=0
    "$handloom" evaluate @last --store "$scratch/default" --min-accuracy 0.999 >/dev/null || code=$?
    [[ $code -eq 5 ]] || { echo "exit code $code, not 5"; return 1; }
    "$handloom" evaluate @last --store "$scratch/default" --min-accuracy 0.8 --plot "$scratch/confusion.svg"
    [[ -s $scratch/confusion.svg ]]
}

# The same weights for any number of threads.
same_for_any_threads() {
    need_data
    local threads hashes=()
    for threads in 1 2 3; do
        hashes+=("$(train threads "${notebook[@]}" -e 2 --seed 5 --no-test --threads "$threads" | figure weights_sha256)")
        echo "$threads threads: ${hashes[-1]}"
    done
    [[ -n ${hashes[0]} && ${hashes[0]} == "${hashes[1]}" && ${hashes[0]} == "${hashes[2]}" ]]
}

# Killed in the middle of an epoch and resumed, a run ends with the bytes of one that was left alone.
same_after_kill() {
    need_data
    local whole resumed epochs pid
    local settings=("${notebook[@]}" -e 6 --seed 3 --no-test)
    whole=$(train whole "${settings[@]}" | figure weights_sha256)
    # Not through `train`, which would be a shell around the program.
    "$handloom" train --store "$scratch/killed" --wandb off --json --quiet "${settings[@]}" >"$scratch/killed.jsonl" &
    pid=$!
    # Two epochs finished, a third under way.
    until [[ $(grep -c '"event":"epoch"' "$scratch/killed.jsonl") -ge 2 ]]; do
        kill -0 "$pid" 2>/dev/null || { echo "it ended before it was killed"; return 1; }
        sleep 0.02
    done
    sleep 0.1
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null || true
    if grep -q '"event":"done"' "$scratch/killed.jsonl"; then echo "it was done before it was killed"; return 1; fi
    resumed=$("$handloom" train --resume @last --store "$scratch/killed" --json --quiet | tee "$scratch/resumed.jsonl" | figure weights_sha256)
    epochs=$(grep -c '"event":"epoch"' "$scratch/resumed.jsonl" || true)
    echo "whole:   $whole"
    echo "resumed: $resumed, after $epochs more epochs"
    [[ -n $whole && $whole == "$resumed" && $epochs -lt 6 ]]
}

# Drawn samples are images, which `predict` reads.
predicts() {
    need_data
    "$handloom" data show fashion_mnist --out "$scratch/grid.png"
    "$handloom" predict @last "$scratch/grid.png" --store "$scratch/default"
    local code=0
    echo "not an image" >"$scratch/broken.png"
    "$handloom" predict @last "$scratch/broken.png" "$scratch/grid.png" --store "$scratch/default" || code=$?
    [[ $code -eq 3 ]] || { echo "exit code $code for a broken image, not 3"; return 1; }
}

# The assignment's own command.
python_entry() {
    need_data
    command -v python3 >/dev/null || skip "no python3"
    local root=$PWD
    cd "$scratch"
    CARGO_TARGET_DIR=$(dirname "$(dirname "$handloom")") python3 "$root/train.py" --wandb_entity myname --wandb_project myprojectname \
        --wandb off -d garments -e 1 --store "$scratch/entry" --no-progress
}

step "gradcheck" gradients
printf '\n=== real data\n'
find_data
step "data check" sound_data
step "default: test accuracy >= 0.89" default_passes
step "evaluate" min_accuracy_is_a_check
step "predict" predicts
step "notebook's configuration, 3 seeds: mean >= 0.862" trains_well 0.862 notebook 3 "${notebook[@]}"
step "MNIST: test accuracy >= 0.98" trains_well 0.98 mnist 1 -d mnist
step "same weights on 1, 2 and 3 threads" same_for_any_threads
step "same weights after kill -9" same_after_kill
step "train.py" python_entry
