"""`stp` from Python: judge proofs, and read runs as data frames.

There is no compiled code in this module. `verify` runs the binary `stp` that lies beside it; `Run` reads a run's folder.
"""

from ._binary import StpError, find_stp
from ._run import Run
from ._verify import verify

__all__ = ["Run", "StpError", "find_stp", "verify"]
