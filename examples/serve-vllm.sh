#!/bin/sh
# Gives a vLLM server on this machine each new checkpoint, by starting it again:
#
#   [sampling.server]
#   urls = ["http://localhost:8000"]
#   reload = "sh examples/serve-vllm.sh"
#
# NOT RUN HERE: it is written from vLLM's documentation; there was no GPU at hand. STP_URL, STP_CHECKPOINT and STP_MODEL_NAME come
# from the run. Options for vLLM go in VLLM_OPTIONS, such as `--tensor-parallel-size 8`; it takes MEMORY_SHARE of the GPU's memory, since
# a training may need the rest.
set -eu

port=${STP_URL##*:}
port=${port%%/*}
state="${TMPDIR:-/tmp}/stp-vllm-$port"

# Whether a process runs. One that has ended stays as a zombie where nobody waits for it, as in many containers.
runs() {
    kill -0 "$1" 2> /dev/null && ! grep -qs '^State:[[:space:]]*Z' "/proc/$1/status"
}

# The old server: it must be gone before a sample is asked for.
if [ -f "$state.pid" ] && kill "$(cat "$state.pid")" 2> /dev/null; then
    while runs "$(cat "$state.pid")"; do sleep 1; done
fi

# shellcheck disable=SC2086
nohup vllm serve "$STP_CHECKPOINT" --served-model-name "$STP_MODEL_NAME" --port "$port" --generation-config vllm \
    --gpu-memory-utilization "${MEMORY_SHARE:-0.45}" ${VLLM_OPTIONS:-} > "$state.log" 2>&1 < /dev/null &
echo $! > "$state.pid"
