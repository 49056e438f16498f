#!/bin/sh
# Gives `transformers serve` on this machine each new checkpoint, by starting it again, so that it keeps no older one in memory:
#
#   [sampling.server]
#   urls = ["http://localhost:8000"]
#   model = "{checkpoint}"
#   reload = "sh examples/serve-transformers.sh"
#
# CI runs this file. STP_URL comes from the run; the first request loads the folder that it names. Options for the server go in
# SERVE_OPTIONS, such as `--device cpu`; TRANSFORMERS is the program, if it is not the first one on the PATH. `serving.sh` belongs beside
# this file.
set -eu

program=transformers
. "$(dirname "$0")/serving.sh"

end_old
# shellcheck disable=SC2086
start "${TRANSFORMERS:-transformers}" serve --host 127.0.0.1 --port "$port" ${SERVE_OPTIONS:-}
