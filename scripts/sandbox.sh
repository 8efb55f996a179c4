# Sourced: a sandbox that stops when the script ends.
# shellcheck shell=bash

# start_sandbox FOLDER DCS [OPTION...]: starts `dcs sandbox` with its files in FOLDER/files, and sets DCS_URL and the
# other variables.
start_sandbox() {
    local folder=$1 dcs=$2
    rm -rf "$folder"
    mkdir -p "$folder"
    "$dcs" sandbox --dir "$folder/files" --env-file "$folder/env" --quiet "${@:3}" >"$folder/log" 2>&1 &
    sandbox=$!
    trap 'kill $sandbox 2>/dev/null || true' EXIT
    for _ in $(seq 600); do
        [ ! -e "$folder/env" ] || break
        kill -0 $sandbox 2>/dev/null || break
        sleep 0.05
    done
    if [ ! -e "$folder/env" ]; then
        echo "The sandbox did not start: $(cat "$folder/log")" >&2
        exit 1
    fi
    # shellcheck disable=SC1091
    . "$folder/env"
}

# expect_answer WHAT COMMAND...: fails unless the command prints the answer of `--answer scheduled-outages`.
expect_answer() {
    local what=$1 output
    if output=$("${@:2}" 2>&1) && [[ $output == *available*2030-01-01* ]]; then
        echo "$what: the status call works"
    else
        echo "$what: not the sandbox's answer: $output" >&2
        exit 1
    fi
}
