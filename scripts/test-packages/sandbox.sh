# Sourced after scripts/package/common.sh: a sandbox that stops when the script ends.
# shellcheck shell=bash

# start_sandbox FOLDER DCS: starts the sandbox with that command, and sets DCS_URL and the other variables.
start_sandbox() {
    local folder=$1 dcs=$2
    rm -rf "$folder"
    mkdir -p "$folder"
    "$dcs" sandbox --dir "$folder/files" --env-file "$folder/env" --answer scheduled-outages --quiet >"$folder/log" 2>&1 &
    sandbox=$!
    trap 'kill $sandbox 2>/dev/null || true' EXIT
    for _ in $(seq 600); do
        [ ! -e "$folder/env" ] || break
        kill -0 $sandbox 2>/dev/null || fail "the sandbox ended: $(cat "$folder/log")"
        sleep 0.05
    done
    # shellcheck disable=SC1091
    . "$folder/env"
    [ -n "${DCS_URL:-}" ] || fail 'the sandbox did not write its settings within 30 seconds'
}

# expect_answer WHAT COMMAND...: fails unless the command prints the sandbox's answer.
expect_answer() {
    local what=$1 output
    shift
    output=$("$@" 2>&1) || fail "$what: $output"
    [[ $output == *available*2030-01-01* ]] || fail "$what: not the sandbox's answer: $output"
    echo "$what: the status call works"
}
