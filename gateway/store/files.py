"""The files beside the database: whose they are, and who else may read or write them.

All of them are made for their owner alone. A symbolic link in place of one would have us read or
write somewhere else; one to the database would also put the lock beside the link, so that two
gateways could own one file.
"""

import errno
import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from gateway.errors import ConfigurationError

__all__ = ["exposed", "prove_folder", "refuse_links", "unusable_folder"]

_BESIDE = (".lock", ".sock", ".secret", "-wal", "-shm")
_SECRETIVE = ("", "-wal", ".secret")
"""Of the files beside the database, those that hold something."""


def refuse_links(database: Path) -> None:
    """ConfigurationError that names every symbolic link among the files."""
    problems = [
        f"GATEWAY_DATABASE_URL: {database.name}{end} is a symbolic link, which is not followed: "
        + ("remove it" if end else "name the file itself")
        for end in ("", *_BESIDE)
        if database.with_name(database.name + end).is_symlink()
    ]
    if problems:
        raise ConfigurationError(problems)


def exposed(database: Path | None, *others: Path) -> list[str]:
    """A warning for each file that users beside its owner and its group may read or write."""
    own = [database.with_name(database.name + end) for end in _SECRETIVE] if database else []
    return [text for path in (*others, *own) for text in _exposed(path)]


def _exposed(path: Path) -> Iterable[str]:
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    may = [word for bit, word in ((stat.S_IROTH, "read"), (stat.S_IWOTH, "written")) if mode & bit]
    if may:
        yield (
            f"{path.name} can be {' and '.join(may)} by every user of this machine "
            f"(mode {stat.S_IMODE(mode):03o}): chmod 600 {path.name}"
        )


def prove_folder(database: Path) -> None:
    """ConfigurationError if no file could be made beside it, or the file not written."""
    refuse_links(database)
    try:
        with tempfile.TemporaryFile(dir=database.absolute().parent):
            pass
        if database.exists() and not os.access(database, os.R_OK | os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise ConfigurationError([unusable_folder(database, error)]) from None


def unusable_folder(database: Path, error: OSError) -> str:
    """The problem of a folder, or of a file in it, that refused us with `error`."""
    folder, reason = database.absolute().parent, os.strerror(error.errno or 0)
    user = f"this user ({os.geteuid()})"
    if not folder.exists():
        mend = "its folder does not exist, and none is made: mend the path, or make the folder"
    elif not folder.is_dir():
        mend = "what should be its folder is a file: mend the path"
    elif os.access(folder, os.W_OK | os.X_OK):
        mend = (
            f"its files cannot be used ({reason}): make them, and its folder, writable for {user}"
        )
    else:
        mend = f"its folder cannot be written ({reason}): make it writable for {user}"
    return f"GATEWAY_DATABASE_URL: {mend}"
