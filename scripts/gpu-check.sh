#!/usr/bin/env bash
# Tries a machine with a GPU: whether it computes what the processor computes, how fast it trains and
# samples, and whether a run goes through every step on it.
#
#   scripts/gpu-check.sh [--stp PROGRAM] [--device NAME] [--seconds S] [--lean FILE] [--python PROGRAM] [--out FOLDER]
#   scripts/gpu-check.sh --pack FOLDER [--stp PROGRAM]
#
# --stp PROGRAM     what is tried; without it `stp` in this script's folder, or what the build left
# --device NAME     wgpu or cuda [default: wgpu]; a program that was not built for it is refused
# --seconds S       how long each figure of the benchmark is measured; 0: not at all, as on a Vulkan driver that is a program, where
#                   a single step takes minutes [default: 10]
# --shapes NAMES    of which models [default: "tiny 100m"]
# --lean FILE       Lean's answers, where it cannot be installed; without it `lean.jsonl` in this script's folder, or Lean itself
# --python PROGRAM  one with torch and transformers to measure beside [default: python3, if it has them and CUDA]
# --out FOLDER      where what was said is kept [default: a new folder]
# --pack FOLDER     makes the folder that such a machine needs: the program stripped and packed, Lean's answers to the run
#                   (Lean must be here for that), the Vulkan loader, and this script. Then, there: FOLDER/gpu-check.sh
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
stp="" device=wgpu seconds=10 shapes="tiny 100m" lean="" python="" out="" pack=""
while [ $# -gt 0 ]; do
    [ $# -gt 1 ] || { echo "gpu-check: $1 needs a value" >&2; exit 2; }
    case "$1" in
        --stp) stp=$(realpath "$2") ;;
        --device) device=$2 ;;
        --seconds) seconds=$2 ;;
        --shapes) shapes=$2 ;;
        --lean) lean=$(realpath "$2") ;;
        --python) python=$2 ;;
        --out) out=$2 ;;
        --pack) pack=$2 ;;
        *) echo "gpu-check: there is no $1; the head of $0 lists what there is" >&2; exit 2 ;;
    esac
    shift 2
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The run that is tried. What a GPU samples is rarely to the last letter what was recorded with a processor; Lean is said to have
# crashed on what is new, and the run goes on.
train=(train --preset smoke --quiet --no-cache)

if [ -z "$stp" ]; then
    if [ -e "$here/stp.gz" ]; then
        stp="$work/stp"
        gunzip --stdout "$here/stp.gz" > "$stp"
        chmod +x "$stp"
    else
        stp="$here/../target/release/stp"
    fi
fi
[ -x "$stp" ] || { echo "gpu-check: there is no $stp; build it with \`cargo build --release --features wgpu\`" >&2; exit 2; }

# Drivers that come without a loader are found with the one beside this script.
[ -e "$here/libvulkan.so.1" ] && export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$here"
# What the program says of the device before it computes with it: that it was not built for it, or which one it takes, in the words
# of wgpu's log. A device that is not here is no reason to stop: a folder is packed elsewhere.
said=$(NO_COLOR=1 STP_LOG=wgpu_core::instance=debug timeout 30 "$stp" model check --device "$device" 2>&1) || true
if [[ $said == *"built without"* ]]; then
    echo "gpu-check: $stp was built without \`$device\`; build it with \`cargo build --release --features $device\`" >&2
    exit 2
fi

if [ -n "$pack" ]; then
    mkdir -p "$pack"
    cp "$stp" "$work/packed"
    strip "$work/packed" 2> /dev/null || true
    gzip -9 --stdout "$work/packed" > "$pack/stp.gz"
    "$stp" "${train[@]}" --device cpu --run-dir "$work/recorded" --record-lean "$pack/lean.jsonl" > /dev/null
    cp "$0" "$pack/gpu-check.sh"
    for loader in /usr/lib/*/libvulkan.so.1; do
        [ -e "$loader" ] && cp --dereference "$loader" "$pack/"
    done
    du --summarize --block-size=1M "$pack" | awk '{ print "gpu-check: " $1 " MB in " $2 }'
    exit
fi

out=${out:-$(mktemp -d)}
mkdir -p "$out"
[ -z "$lean" ] && [ -e "$here/lean.jsonl" ] && lean="$here/lean.jsonl"
if [ -z "$python" ] && python3 -c 'import torch, transformers; assert torch.cuda.is_available()' 2> /dev/null; then
    python=python3
fi

failed=0 summary="" group=""
stop() {
    [ -z "$group" ] || kill -- "-$group" 2> /dev/null || true
    exit "$1"
}
trap 'stop 130' INT
trap 'stop 143' TERM

# What is tried, and how: its output is shown and kept, and one that fails does not end the others. It is a process group of its
# own, so that who stops this script stops it, too.
try() {
    local what=$1 name=$2 began=$SECONDS word=ok
    shift 2
    echo "gpu-check: $what"
    set -m
    { "$@" 2>&1 | tee "$out/$name.txt"; } < /dev/null &
    group=$!
    set +m
    wait "$group" || { word=FAILED failed=1; }
    group=""
    summary+=$(printf 'gpu-check: %-6s %4d s  %s' "$word" $((SECONDS - began)) "$what")$'\n'
}

# Which device it is: what computes first, then what the machine has, which may be another one.
named() {
    local adapter type
    adapter=$(sed -n '/Request adapter result AdapterInfo/ { s/.*AdapterInfo { name: "\([^"]*\)".* driver: "\([^"]*\)", driver_info: "\([^"]*\)".*/\1, \2 \3/p; q }' <<< "$said")
    type=$(sed -n '/Request adapter result AdapterInfo/ { s/.* device_type: \([A-Za-z]*\).*/\1/p; q }' <<< "$said")
    [ -z "$adapter" ] || echo "gpu-check: $device computes on $adapter ($type)"
    [ "$type" != Cpu ] || echo "gpu-check: that is a driver that computes on the processor, so no GPU is tried"
    if command -v nvidia-smi > /dev/null; then
        nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader | sed 's/^/gpu-check: nvidia-smi lists /' || true
    fi
}
named | tee "$out/gpu.txt"
try "the device computes what the processor computes" check "$stp" model check --device "$device"
try "so it does in 16 bits" half "$stp" model check --device "$device" --precision f16
beside=(--no-pytorch)
[ -n "$python" ] && beside=(--python "$python")
# shellcheck disable=SC2086
[ "$seconds" = 0 ] || try "tokens a second of training and sampling" bench "$stp" bench model $shapes --device "$device" --seconds "$seconds" "${beside[@]}"
judge=()
[ -n "$lean" ] && judge=(--replay-lean "$lean")
try "a run through every step" run "$stp" "${train[@]}" --device "$device" --run-dir "$out/run" "${judge[@]}"
printf '%s' "$summary"
echo "gpu-check: what was said is in $out"
exit "$failed"
