"""What may be seen of a database by who does not own it: `check` only reads."""

from pathlib import Path
from typing import Protocol

from gateway import frozen
from gateway.store import inventory
from gateway.store.files import prove_folder
from gateway.store.guard import Guard, read_guard
from gateway.store.inventory import Inventory
from gateway.store.ownership import socket_path

__all__ = ["FromOutside", "Seen", "SeenFile"]


@frozen
class Seen:
    """`contents`: None where its owner lets nobody look. `user`: who has it, if that is known."""

    contents: Inventory | None
    is_made: bool
    user: str | None = None


class FromOutside(Protocol):
    @property
    def place(self) -> str:
        """As of `Engine`."""
        ...

    def guard(self) -> Guard:
        """Nothing where there is no database, or one that cannot be read."""
        ...

    def look(self) -> Seen:
        """ConfigurationError and StorageError say why a gateway could not work on it."""
        ...


class SeenFile:
    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def place(self) -> str:
        return str(self._path.absolute())

    def guard(self) -> Guard:
        return read_guard(self._path)

    def look(self) -> Seen:
        prove_folder(self._path)
        socket_path(self._path)
        if not self._path.exists():
            return Seen(inventory.NOTHING, is_made=False)
        return Seen(inventory.look(self._path), is_made=True)
