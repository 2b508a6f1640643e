"""What `check` says of the gateway's own database, and of the files beside it."""

import asyncio
from collections.abc import Iterator

from gateway.app.config import LiveConfig
from gateway.app.holdings import warning
from gateway.app.wiring import Core
from gateway.channels import Check
from gateway.errors import ConfigurationError, StorageError
from gateway.store import exposed
from gateway.store.seen import FromOutside, Seen, SeenFile

__all__ = ["check_database", "check_files", "seen_from_outside"]


def seen_from_outside(live: LiveConfig) -> FromOutside:
    gateway = live.current.gateway
    if not gateway.is_postgres:
        return SeenFile(gateway.database_path)
    from gateway.store.postgres.seen import SeenServer  # noqa: PLC0415 - an extra

    return SeenServer(gateway.gateway_database_url)


async def check_database(core: Core, outside: FromOutside, *, look_around: bool) -> Check:
    """The one that `serve` would use; an empty one beside systems that hold records of ours is a
    warning.
    """
    try:
        seen = await asyncio.to_thread(outside.look)
    except ConfigurationError as error:
        return Check("Database", ok=False, detail="; ".join(error.problems))
    except StorageError as error:
        return Check("Database", ok=False, detail=f"{error}: {error.hint}")
    empty = seen.contents is not None and seen.contents.is_empty
    if empty and look_around and (systems := await core.holdings.systems_with_records()):
        detail = f"{outside.place}: {warning(systems)}"
        return Check("Database", ok=True, detail=detail, warns=True)
    return Check("Database", ok=True, detail=f"{outside.place}: {_told(seen)}")


def _told(seen: Seen) -> str:
    if seen.contents is None:
        return "in use by a gateway or a command"
    if not seen.is_made:
        return "new, it is made at the first start"
    return f"known, {seen.contents}{f'; in use on {seen.user}' if seen.user else ''}"


def check_files(live: LiveConfig) -> Iterator[Check]:
    gateway = live.current.gateway
    own = None if gateway.is_postgres else gateway.database_path
    for text in exposed(own, *live.files):
        yield Check("Files", ok=True, detail=text, warns=True)
