"""sqlite3's exceptions are translated here. Its texts name tables and files, never values."""

from pathlib import Path

from gateway.errors import StorageError

__all__ = ["translated"]


def translated(error: Exception, path: Path) -> StorageError:
    if isinstance(error, StorageError):
        return error
    text = str(error)
    name = getattr(error, "sqlite_errorname", "") or type(error).__name__
    if "full" in text or name.startswith("SQLITE_IOERR"):
        hint = "free some space on the disk of the database; nothing accepted so far is lost"
    elif "locked" in text or name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        hint = f"another program has {path.name} open: close it"
    elif name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        hint = (
            f"move {path.name} away (with its -wal) and restart, or restore a backup; "
            "see 'Backup and loss' in gateway/docs/operating.md"
        )
    elif name.startswith("SQLITE_READONLY") or isinstance(error, PermissionError):
        hint = f"make {path.name} and its folder writable for the gateway's user"
    else:
        hint = f"check that the folder of {path.name} exists and can be written"
    return StorageError(f"{name}: {text}", hint)
