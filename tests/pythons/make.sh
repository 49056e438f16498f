#!/bin/sh
# Makes Pythons with the packages that these files name, each once in a folder of its own; who comes second waits. CI makes
# all of them while cargo compiles, and a test that finds none makes its own.
#
#   tests/pythons/make.sh FOLDER NAME...
set -eu

folder=$1
shift
here=$(dirname "$0")
mkdir -p "$folder"
for name in "$@"; do
    python="$folder/python-$name"
    (
        flock 9
        # Other packages than those that it was made with: made anew.
        if ! cmp -s "$here/$name.txt" "$python/complete"; then
            python3 -m venv --clear "$python"
            "$python/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-compile \
                --requirement "$here/$name.txt"
            cp "$here/$name.txt" "$python/complete"
        fi
    ) 9> "$python.lock"
done
