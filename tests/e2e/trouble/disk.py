"""A disk under SQLite that remembers every write, and can be full, broken or cut from its power.

A VFS (https://sqlite.org/vfs.html) around the one of the operating system, registered as the
default of the very library that Python's `sqlite3` uses. Whatever SQLite writes, cuts or syncs is
noted in order, so that the files can be rebuilt as a power cut may leave them at any moment: what
was synced is there, of what came after it each write is there, or not, or in part.
"""

import _sqlite3
import ctypes
import random
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

__all__ = ["Disk", "Files", "sqlite_disk", "sqlite_on"]

SQLITE_FULL, SQLITE_IOERR_FSYNC = 13, 10 | 4 << 8
_SECTOR = 512

# The name as a pointer: SQLite keeps it, and makes the -shm file's name of it later.
_Open = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, POINTER(c_int))
_Write = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_Truncate = CFUNCTYPE(c_int, c_void_p, c_int64)
_Sync = CFUNCTYPE(c_int, c_void_p, c_int)


class _Vfs(Structure):
    """`struct sqlite3_vfs`, version 3."""

    _fields_ = (
        ("iVersion", c_int),
        ("szOsFile", c_int),
        ("mxPathname", c_int),
        ("pNext", c_void_p),
        ("zName", c_char_p),
        ("pAppData", c_void_p),
        ("xOpen", _Open),
        ("rest", c_void_p * 15),
    )


class _Methods(Structure):
    """`struct sqlite3_io_methods`, version 3."""

    _fields_ = (
        ("iVersion", c_int),
        ("xClose", c_void_p),
        ("xRead", c_void_p),
        ("xWrite", _Write),
        ("xTruncate", _Truncate),
        ("xSync", _Sync),
        ("rest", c_void_p * 13),
    )


@dataclass(frozen=True, slots=True)
class _Step:
    """`data` was written at `at`; without data the file was cut there; `sync`: all is on disk."""

    file: str
    at: int = 0
    data: bytes | None = None
    sync: bool = False


class Files(Protocol):
    """Told of all that SQLite does to its files, by name; an answer but 0 is SQLite's failure."""

    def write(self, file: str, at: int, data: bytes) -> int: ...

    def truncate(self, file: str, size: int) -> None: ...

    def sync(self, file: str) -> int: ...


class Disk:
    """`full`: no file grows any more. `broken`: syncs fail. Both act at once, and end at once."""

    def __init__(self) -> None:
        self.full = False
        self.broken = False
        self._steps: list[_Step] = []
        self._sizes: dict[str, int] = {}

    @property
    def now(self) -> int:
        """A moment: how many steps were taken until here."""
        return len(self._steps)

    def write(self, file: str, at: int, data: bytes) -> int:
        """Notes a write; SQLite's code of its failure, 0 for none."""
        if self.full and at + len(data) > self._sizes.get(file, 0):
            return SQLITE_FULL
        self._sizes[file] = max(self._sizes.get(file, 0), at + len(data))
        self._steps.append(_Step(file, at, data))
        return 0

    def truncate(self, file: str, size: int) -> None:
        self._sizes[file] = size
        self._steps.append(_Step(file, size))

    def sync(self, file: str) -> int:
        if self.broken:
            return SQLITE_IOERR_FSYNC
        self._steps.append(_Step(file, sync=True))
        return 0

    def after_power_cut(self, moment: int, files: Iterator[str] | list[str], seed: int) -> Any:
        """The content of each file as a power cut at `moment` may leave it."""
        return {
            file: self._content(file, moment, random.Random(f"{seed} {file}")) for file in files
        }

    def _content(self, file: str, moment: int, chance: random.Random) -> bytes:
        steps = [step for step in self._steps[:moment] if step.file == file]
        synced = max((i for i, step in enumerate(steps) if step.sync), default=-1)
        content = bytearray()
        for index, step in enumerate(steps):
            if step.sync:
                continue
            kept = step if index < synced else _torn(step, chance)
            if kept is not None:
                _carry_out(content, kept)
        return bytes(content)


def _torn(step: _Step, chance: random.Random) -> _Step | None:
    """What a power cut leaves of a step that no sync followed: all, nothing, or some sectors."""
    fate = chance.choice(("all", "nothing", "part"))
    if step.data is None or fate != "part":
        return None if fate == "nothing" else step
    sectors = chance.randint(0, len(step.data) // _SECTOR)
    return _Step(step.file, step.at, step.data[: sectors * _SECTOR])


def _carry_out(content: bytearray, step: _Step) -> None:
    if len(content) < step.at:
        content.extend(bytes(step.at - len(content)))
    if step.data is None:
        del content[step.at :]
    else:
        content[step.at : step.at + len(step.data)] = step.data


class _Shim:
    """The VFS itself; every C structure stays referenced here for as long as it is registered."""

    def __init__(self, disk: Files) -> None:
        self._disk = disk
        self._library: Any = ctypes.CDLL(_sqlite3.__file__)
        self._library.sqlite3_vfs_find.restype = POINTER(_Vfs)
        self._real: Any = self._library.sqlite3_vfs_find(None)
        self._paths: dict[int, str] = {}
        self._wrapped: dict[int, tuple[_Methods, _Methods]] = {}  # address of the real -> both
        self._of_file: dict[int, _Methods] = {}
        self._vfs = _Vfs.from_buffer_copy(self._real.contents)
        self._vfs.zName = b"disk-of-the-tests"
        self._vfs.xOpen = _Open(self._open)
        self._callbacks = _Write(self._write), _Truncate(self._truncate), _Sync(self._sync)

    def register(self) -> None:
        assert self._library.sqlite3_vfs_register(ctypes.byref(self._vfs), 1) == 0

    def unregister(self) -> None:
        assert self._library.sqlite3_vfs_unregister(ctypes.byref(self._vfs)) == 0
        assert self._library.sqlite3_vfs_register(self._real, 1) == 0

    def _open(self, vfs: Any, name: int | None, file: int, flags: int, out: Any) -> int:
        code: int = self._real.contents.xOpen(vfs, name, file, flags, out)
        if code == 0 and name is not None:
            self._paths[file] = Path(ctypes.string_at(name).decode()).name
            place = ctypes.cast(file, POINTER(c_void_p))
            real, ours = self._methods(place[0] or 0)
            self._of_file[file] = real
            place[0] = ctypes.addressof(ours)
        return code

    def _methods(self, address: int) -> tuple[_Methods, _Methods]:
        if address not in self._wrapped:
            real = _Methods.from_address(address)
            ours = _Methods.from_buffer_copy(real)
            ours.xWrite, ours.xTruncate, ours.xSync = self._callbacks
            self._wrapped[address] = real, ours
        return self._wrapped[address]

    def _write(self, file: int, data: int, amount: int, at: int) -> int:
        refused = self._disk.write(self._paths[file], at, ctypes.string_at(data, amount))
        return refused or int(self._of_file[file].xWrite(file, data, amount, at))

    def _truncate(self, file: int, size: int) -> int:
        self._disk.truncate(self._paths[file], size)
        return int(self._of_file[file].xTruncate(file, size))

    def _sync(self, file: int, flags: int) -> int:
        return self._disk.sync(self._paths[file]) or int(self._of_file[file].xSync(file, flags))


@contextmanager
def sqlite_disk() -> Iterator[Disk]:
    """Every database opened inside is on this disk; all must be closed before the end."""
    disk = Disk()
    with sqlite_on(disk):
        yield disk


@contextmanager
def sqlite_on(files: Files) -> Iterator[None]:
    """As `sqlite_disk`, on a disk of one's own."""
    shim = _Shim(files)
    shim.register()
    try:
        yield
    finally:
        shim.unregister()
