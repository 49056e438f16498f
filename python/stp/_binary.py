"""Finding the binary `stp`, and running it."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Sequence


class StpError(RuntimeError):
    """What `stp` said when it failed, or why it could not be asked."""


def find_stp() -> str:
    """The path of the binary: the one that was installed with this module, or else the first on `PATH`.

    Raises `StpError` if there is none.
    """
    # Where `pip install` puts it, and where `pip install --target` does.
    folders = [Path(sysconfig.get_path("scripts")), Path(__file__).resolve().parents[1] / "bin"]
    for folder in folders:
        if (folder / "stp").is_file():
            return str(folder / "stp")
    found = shutil.which("stp")
    if found is None:
        raise StpError(
            "there is no program `stp` beside this module or on PATH: install the wheel again, or build the program "
            "(`cargo install --locked --path stp`)."
        )
    return found


def run_stp(arguments: Sequence[str], given: str = "", show_progress: bool = False) -> str:
    """Runs `stp` with these arguments and this standard input, and returns its standard output.

    Raises `StpError` with what it wrote on standard error, unless its exit code is 0.
    """
    done = subprocess.run(
        [find_stp(), *arguments],
        input=given,
        stdout=subprocess.PIPE,
        stderr=None if show_progress else subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr or "").strip() or "see what it wrote on standard error"
        raise StpError(f"`stp {arguments[0]}` ended with exit code {done.returncode}: {said}")
    return done.stdout
