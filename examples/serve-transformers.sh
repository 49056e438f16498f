#!/bin/sh
# Gives `transformers serve` on this machine each new checkpoint, by starting it again, so that it keeps no older one in memory:
#
#   [sampling.server]
#   urls = ["http://localhost:8000"]
#   model = "{checkpoint}"
#   reload = "sh examples/serve-transformers.sh"
#
# CI runs this file. STP_URL comes from the run; the first request loads the folder that it names. Options for the server go in
# SERVE_OPTIONS, such as `--device cpu`; TRANSFORMERS is the program, if it is not the first one on the PATH.
set -eu

port=${STP_URL##*:}
port=${port%%/*}
state="${TMPDIR:-/tmp}/stp-transformers-$port"

# Whether a process runs. One that has ended stays as a zombie where nobody waits for it, as in many containers.
runs() {
    kill -0 "$1" 2> /dev/null && ! grep -qs '^State:[[:space:]]*Z' "/proc/$1/status"
}

# The old server: it must be gone before a sample is asked for.
if [ -f "$state.pid" ] && kill "$(cat "$state.pid")" 2> /dev/null; then
    while runs "$(cat "$state.pid")"; do sleep 1; done
fi

# shellcheck disable=SC2086
nohup "${TRANSFORMERS:-transformers}" serve --host 127.0.0.1 --port "$port" ${SERVE_OPTIONS:-} > "$state.log" 2>&1 < /dev/null &
echo $! > "$state.pid"
