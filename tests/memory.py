"""What a process of the tests has in memory, and what it keeps on the disk.

All files of the tests live as long as their process: the garbage collector would walk over them
again and again. Worse, gateways of tests that are over would live on. And each commit of a database
would wait for the disk, although no test can cut its power.
"""

import gc
import os
import shutil
from pathlib import Path

from aiohttp import web_app

from gateway.http.upkeep import calm_collector

__all__ = ["collected", "forget_applications", "keep_files_in_memory"]

_IN_MEMORY = Path("/dev/shm")
_ENOUGH = 2**30
"""Bytes; the folders of tests that passed are removed at once, so a run needs a tenth."""


def keep_files_in_memory() -> None:
    """The folders of `tmp_path`, where the machine has a file system in memory."""
    if _IN_MEMORY.is_dir() and os.access(_IN_MEMORY, os.W_OK):
        may_execute = not os.statvfs(_IN_MEMORY).f_flag & os.ST_NOEXEC
        if may_execute and shutil.disk_usage(_IN_MEMORY).free >= _ENOUGH:
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_IN_MEMORY))


def collected() -> None:
    """All tests are there: they are no garbage and will be none."""
    gc.enable()
    calm_collector()


def forget_applications() -> None:
    """What aiohttp keeps: the handlers of the last 1 024 routes that were asked, of any
    application. Behind each stand the whole gateway and the stand-ins of a test that is over.
    """
    kept = getattr(web_app, "_cached_build_middleware", None)
    if kept is not None:
        kept.cache_clear()
