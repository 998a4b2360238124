# Steps with a headline, their seconds and a count. Sourced by `run`.
# shellcheck shell=bash

passed=0 failed=0 skipped=0 failures=()
SKIP=99

# step NAME COMMAND...: the command runs in a process of its own, so `exit` and `skip` end the step alone.
step() {
    local name=$1 start=$SECONDS code=0
    shift
    printf '\n=== %s\n' "$name"
    # Not `( ... ) || code=$?`, which would switch `set -e` off inside.
    set +e
    (
        set -e
        "$@"
    )
    code=$?
    set -e
    case $code in
    0)
        passed=$((passed + 1))
        printf -- '--- %s: passed, %d s\n' "$name" $((SECONDS - start))
        ;;
    "$SKIP")
        skipped=$((skipped + 1))
        ;;
    *)
        failed=$((failed + 1))
        failures+=("$name")
        printf -- '--- %s: FAILED with %d, %d s\n' "$name" "$code" $((SECONDS - start))
        ;;
    esac
}

# skip REASON: ends the step under way.
skip() {
    printf -- '--- SKIPPED: %s\n' "$1"
    exit "$SKIP"
}

# summary: the last line of all, and the exit code.
summary() {
    printf '\n'
    local name
    for name in ${failures[@]+"${failures[@]}"}; do printf 'failed: %s\n' "$name"; done
    printf '%d s in all\n%d passed, %d failed, %d skipped\n' "$SECONDS" "$passed" "$failed" "$skipped"
    [[ $failed -eq 0 ]]
}
