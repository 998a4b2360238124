# W&B as the controller: its own `wandb sweep` and `wandb agent` start the finished program, against a stand-in for its
# server. Sourced by `run` after `exports.sh`, which knows how packages are had.
#
# HANDLOOM_CI_SKIP_WANDB=1 leaves this out.
# shellcheck shell=bash

# The oldest client that uploads a run under way.
OLDEST_LIVE_WANDB=0.29.0

agents() {
    [[ -z ${HANDLOOM_CI_SKIP_WANDB:-} ]] || skip "HANDLOOM_CI_SKIP_WANDB is set"
    command -v python3 >/dev/null || skip "no python3"
    unset "${!WANDB_@}"
    [[ -x $scratch/new/bin/wandb ]] || packages new wandb
    packages live "wandb==$OLDEST_LIVE_WANDB"
    # Both at once: an agent waits most of the time.
    local client failed=0
    local -A running=()
    for client in new live; do
        with_client "$client" >"$scratch/agent-$client.log" 2>&1 &
        running[$client]=$!
    done
    for client in new live; do
        wait "${running[$client]}" || failed=1
        cat "$scratch/agent-$client.log"
    done
    return "$failed"
}

with_client() {
    "$scratch/$1/bin/wandb" --version
    "$scratch/$1/bin/python" crates/cli/tests/external/wandb_agent.py "$target/release/handloom" configs/wandb-sweep.yaml
}

step "wandb agent" agents
