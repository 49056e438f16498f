#!/usr/bin/env bash
# Follows the README as a new user would, on a fresh clone in an empty home: builds, verifies the first proofs, trains until the
# first round is over. Prints the seconds of each.
#
#   scripts/first-steps.sh [--stp PROGRAM] [--preset NAME]
#
# --stp PROGRAM   takes this program in place of a build: nothing is compiled
# --preset NAME   trains with another preset than `stp train` does by itself; `smoke` is the shortest
set -euo pipefail

program="" preset=""
while [ $# -gt 0 ]; do
    case "$1" in
        --stp) program=$(realpath "$2"); shift 2 ;;
        --preset) preset=$2; shift 2 ;;
        *) echo "first-steps: there is no $1 (--stp PROGRAM, --preset NAME)" >&2; exit 2 ;;
    esac
done

repository=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
run=""
trap '[ -z "$run" ] || kill -- -"$run" 2> /dev/null || true; rm -rf "$work"' EXIT

# What the machine must have stays where it is: Rust, and how its registries are reached. All else is empty.
export CARGO_HOME="${CARGO_HOME:-$HOME/.cargo}" RUSTUP_HOME="${RUSTUP_HOME:-$HOME/.rustup}"
[ -e "$HOME/.npmrc" ] && export NPM_CONFIG_USERCONFIG="${NPM_CONFIG_USERCONFIG:-$HOME/.npmrc}"
export HOME="$work/home"
unset STP_HOME STP_LEAN XDG_CACHE_HOME CARGO_TARGET_DIR
[ -n "$preset" ] && export STP_PRESET="$preset"
mkdir "$HOME"
git clone --quiet "$repository" "$work/stp"
cd "$work/stp"

# The first block of the README with this mark.
block() {
    awk -v mark="\`\`\`$1" '$0 == mark { inside = 1; next } /^```/ && inside { exit } inside' README.md
}

# What was measured, for the end.
table=""
took() {
    table+=$(printf 'first-steps: %5d s  %s' "$2" "$1")$'\n'
    echo "first-steps: $2 s for $1"
}

began=$SECONDS
if [ -n "$program" ]; then
    mkdir -p target/release
    ln -s "$program" target/release/stp
    export PATH="$work/stp/target/release:$PATH"
else
    eval "$(block 'sh build')"
    took "the build" $((SECONDS - began))
fi

began=$SECONDS
bash -euo pipefail -c "$(block 'sh run')" | tee "$work/verdicts"
grep -q '"verdict":"proved"' "$work/verdicts" || { echo "first-steps: nothing was proved" >&2; exit 1; }
took "the first verified proof, with installing Lean" $((SECONDS - began))

# Stopped by Ctrl-C, for which the run has a process group of its own.
began=$SECONDS
: > "$work/training"
set -m
bash -euo pipefail -c "$(block 'sh long')" > "$work/training" 2>&1 &
run=$!
set +m
until grep -q '^round-1: valid' "$work/training"; do
    kill -0 "$run" 2> /dev/null || grep -q '^round-1: valid' "$work/training" || {
        cat "$work/training" >&2
        echo "first-steps: training ended before its first round was over" >&2
        exit 1
    }
    sleep 1
done
took "stage 1 and the first round" $((SECONDS - began))
kill -INT -- "-$run" 2> /dev/null || true
wait "$run" || [ $? -eq 130 ] || { tail "$work/training" >&2; exit 1; }
cat "$work/training"
printf '%s' "$table"
