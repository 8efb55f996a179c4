# Sourced after scripts/package/common.sh: a sandbox for a package's users, which ends with the script.
# shellcheck shell=bash

# start_sandbox FOLDER COMMAND: starts it with that command, and sets DCS_URL and the others as it says.
start_sandbox() {
    local folder=$1 command=$2
    rm -rf "$folder"
    mkdir -p "$folder"
    "$command" --dir "$folder/files" --env-file "$folder/env" --answer scheduled-outages --quiet >"$folder/log" 2>&1 &
    sandbox=$!
    trap 'kill $sandbox 2>/dev/null || true' EXIT
    for _ in $(seq 600); do
        [ ! -e "$folder/env" ] || break
        kill -0 $sandbox 2>/dev/null || fail "the sandbox has ended: $(cat "$folder/log")"
        sleep 0.05
    done
    # shellcheck disable=SC1091
    . "$folder/env"
    [ -n "${DCS_URL:-}" ] || fail 'the sandbox has not told its settings in 30 seconds.'
}

# answers WHAT COMMAND...: the command must print the sandbox's answer.
answers() {
    local what=$1 output
    shift
    output=$("$@" 2>&1) || fail "$what: $output"
    [[ $output == *available*2030-01-01* ]] || fail "$what: this is not the sandbox's answer: $output"
    echo "$what: the status call is answered"
}
