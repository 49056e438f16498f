#!/bin/sh
# Gives a vLLM server on this machine each new checkpoint, by starting it again, and waits until it answers:
#
#   [sampling.server]
#   urls = ["http://localhost:8000"]
#   model = "{name}"
#   reload = "sh examples/serve-vllm.sh"
#
# NOT RUN HERE with vLLM, but with a script in its place: it is written from vLLM's documentation; there was no GPU at hand. STP_URL,
# STP_CHECKPOINT and STP_MODEL_NAME come from the run. vLLM refuses a request for another name than that, so no older weights answer.
# Options for vLLM go in VLLM_OPTIONS, such as `--tensor-parallel-size 8`; it takes MEMORY_SHARE of the GPU's memory, since a training may
# need the rest. `serving.sh` belongs beside this file.
set -eu

program=vllm
. "$(dirname "$0")/serving.sh"

end_old
# shellcheck disable=SC2086
start vllm serve "$STP_CHECKPOINT" --served-model-name "$STP_MODEL_NAME" --port "$port" --generation-config vllm \
    --gpu-memory-utilization "${MEMORY_SHARE:-0.45}" ${VLLM_OPTIONS:-}
