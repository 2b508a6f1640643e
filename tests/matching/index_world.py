"""An index of members before a Smaregi, on a clock of its own."""

from pathlib import Path

from gateway.matching import MemberIndex
from gateway.store import Database, Keys
from tests.matching.rows import Source

__all__ = ["DAY", "NOW", "Clock", "Store", "ids"]

NOW = 1_790_000_000.0
DAY = 86400.0


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


class Store:
    """A database, a clock and a source; `index()` is the gateway as it starts."""

    def __init__(self, path: Path) -> None:
        self.db = Database(path)
        self.clock = Clock()
        self.source = Source()
        self._open: list[MemberIndex] = []

    async def index(self) -> MemberIndex:
        made = MemberIndex(self.db, Keys("a secret of the tests"), self.source, self.clock)
        await made.open()
        self._open.append(made)
        return made

    async def ready(self) -> MemberIndex:
        made = await self.index()
        await made.start_scan()
        return made

    async def close(self) -> None:
        for made in self._open:
            await made.close()
        await self.db.close()


async def ids(found: MemberIndex, email: str) -> list[int]:
    return [m.member_id for m in await found.by_email(email)]
