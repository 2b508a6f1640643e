"""What befalls gateways on one PostgreSQL, one thing after the other, in an order from a seed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Protocol

from tests.crash.fleet.database import Database
from tests.crash.fleet.machine import Machine

__all__ = ["AWAY", "HAND_OVER", "Strikes", "Struck"]

HAND_OVER = "a hand-over"
AWAY = "the database away"


class Struck(Protocol):
    """Those whom it befalls."""

    @property
    def machines(self) -> Sequence[Machine]: ...

    @property
    def database(self) -> Database: ...

    async def active(self) -> Machine: ...

    async def followed(self, when: Callable[[], None]) -> Machine:
        """Who has the lease that another one had as this was done."""


class Strikes:
    """A pack of all kinds, which is shuffled again once it is used up. `away`: seconds of an outage
    of the database; `long`: of a silence after which another one is active.
    """

    def __init__(
        self, struck: Struck, dice: Random, *, away: float = 30.0, long: float = 16.0
    ) -> None:
        self._struck = struck
        self._database = struck.database
        self._dice = dice
        self._away = away
        self._long = long
        self._pack: list[str] = []
        self.kinds: dict[str, Callable[[], Awaitable[None]]] = {
            "a kill of the active one": self._kill_active,
            "a kill of one that stands by": self._kill_another,
            "a kill of all": self._kill_all,
            "a kill of who has just followed": self._kill_two,
            "backends ended": self._end_backends,
            "a kill of the server": self._kill_server,
            "answers to commits lost": self._lose_commits,
            "a silence of seconds": self._silence,
            "the active one cut off": self._cut_off,
            "the active one halted": self._halt,
            HAND_OVER: self._hand_over,
            AWAY: self._be_away,
        }

    def draw(self) -> str:
        if not self._pack:
            self._pack = [*self.kinds]
            self._dice.shuffle(self._pack)
        return self._pack.pop()

    async def _pause(self, shortest: float, longest: float) -> None:
        await asyncio.sleep(self._dice.uniform(shortest, longest))

    async def _another(self) -> Machine:
        active = await self._struck.active()
        return self._dice.choice([each for each in self._struck.machines if each is not active])

    async def _kill_active(self) -> None:
        active = await self._struck.active()
        await self._struck.followed(active.kill)

    async def _kill_another(self) -> None:
        (await self._another()).kill()
        await self._pause(2.0, 4.0)

    async def _kill_all(self) -> None:
        for machine in self._struck.machines:
            machine.kill()
        await self._pause(2.0, 4.0)

    async def _kill_two(self) -> None:
        """Where there are but two, the first one is back by then."""
        active = await self._struck.active()
        following = await self._struck.followed(active.kill)
        await self._pause(0.0, 0.5)
        await self._struck.followed(following.kill)

    async def _hand_over(self) -> None:
        active = await self._struck.active()
        await self._struck.followed(active.term)

    async def _end_backends(self) -> None:
        for _ in range(self._dice.randint(2, 6)):
            await self._database.end_backends(self._dice.choice((0.2, 0.5, 1.0)))
            await self._pause(0.05, 0.8)

    async def _kill_server(self) -> None:
        await self._database.kill()
        await self._pause(0.5, 3.0)
        await self._database.start()

    async def _be_away(self) -> None:
        await self._database.stop()
        await asyncio.sleep(self._away)
        await self._database.start()

    async def _lose_commits(self) -> None:
        """Every so many of all gateways; half of them have been carried out."""
        for machine in self._struck.machines:
            await machine.way.be(loses=self._dice.choice((3, 10, 25)), undone=True)
        await self._pause(3.0, 8.0)
        for machine in self._struck.machines:
            await machine.way.be(loses=0)

    async def _silence(self) -> None:
        """Of the active one's network, shorter than anybody's patience or a little longer."""
        way = (await self._struck.active()).way
        await way.be(silent=True)
        await self._pause(1.0, 7.0)
        await way.be(silent=False)

    async def _cut_off(self) -> None:
        """What it has sent arrives once another one is active."""
        way = (await self._struck.active()).way
        await way.be(silent=True)
        await asyncio.sleep(self._long)
        await way.be(silent=False)

    async def _halt(self) -> None:
        """It wakes up when another one is active, in the middle of whatever it did."""
        active = await self._struck.active()
        active.halt()
        await asyncio.sleep(self._long)
        active.go_on()
