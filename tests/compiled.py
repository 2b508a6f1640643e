"""What one process of a run has compiled, the others load.

Rewriting the assertions of all files takes eight seconds of a processor, and importing the program
from its sources two: each worker and each command that a test starts would do it again. Where
Python is told to write no compiled files beside the sources (`PYTHONDONTWRITEBYTECODE`), they are
kept in a folder of their own until the run is over.
"""

import atexit
import importlib
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

import pytest

__all__ = ["rewrite_a_share", "share"]


def share() -> None:
    """By the first process of a run; those that it starts inherit the folder."""
    if not sys.dont_write_bytecode:
        return
    folder = mkdtemp(prefix="compiled-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    sys.dont_write_bytecode, sys.pycache_prefix = False, folder
    del os.environ["PYTHONDONTWRITEBYTECODE"]
    os.environ["PYTHONPYCACHEPREFIX"] = folder


def rewrite_a_share(session: pytest.Session) -> None:
    """Worker 2 of 4 imports every fourth file first: while all collect, each finds what the others
    have rewritten.
    """
    worker: dict[str, str | int] | None = getattr(session.config, "workerinput", None)
    if worker is None or any("::" in given for given in session.config.args):
        return
    number, count = int(str(worker["workerid"]).removeprefix("gw")), int(worker["workercount"])
    for path in _collected(session)[number::count]:
        with suppress(Exception, pytest.skip.Exception):  # the collection itself will tell of it
            importlib.import_module(".".join(path.with_suffix("").parts))


def _collected(session: pytest.Session) -> list[Path]:
    """Those that will be collected, from the root."""
    root = session.config.rootpath
    given = [Path(session.config.invocation_params.dir, each) for each in session.config.args]
    files = [file for each in given for file in ([each] if each.is_file() else each.rglob("*.py"))]
    return sorted({f.relative_to(root) for f in files if f.name.startswith("test_")})
