"""`python -m stp` is `stp`."""

import os
import sys

from ._binary import find_stp

if __name__ == "__main__":
    program = find_stp()
    os.execv(program, [program, *sys.argv[1:]])
