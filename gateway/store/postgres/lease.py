"""One gateway's place among those on its database: whether it is active, and may trust in that.

It says every two seconds that it lives, on a connection and in a thread of its own. Who is active
trusts itself for eight seconds from *before* it last did so; another takes its place only after it
has seen, in ten seconds of its own unbroken beats, that the row of the active one does not change.
So no clock is compared with another, an outage of the database ends nobody, and whoever was halted
finds that it must not write before anybody else does.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from functools import partial
from typing import Self

import psycopg

from gateway import frozen
from gateway.background import Background
from gateway.errors import ConfigurationError
from gateway.store.postgres import gateways
from gateway.store.postgres.address import conninfo, local_host
from gateway.store.postgres.apart import Apart
from gateway.store.postgres.clock import SharedClock, Unchanged, elapsed
from gateway.store.postgres.errors import TakenOverError, translated
from gateway.store.postgres.gateways import Beat, Gateway
from gateway.store.postgres.migration import migrate
from gateway.store.postgres.proving import prove
from gateway.store.postgres.session import Session

__all__ = ["NOT_THEIRS", "Lease", "Limits", "who_is_active"]

log = logging.getLogger("gateway")

LANES = 4
"""A registration has four commits, each some milliseconds of a lane."""
_LEAVE_AGAIN = 0.2
_SAY = 1.0
"""Seconds to say that one leaves: what is under way has to end in time, too."""
_LOCKED = "55P03"
"""A transaction of a dead one is not over yet: the server ends it in some seconds."""
NOT_THEIRS = (
    "GATEWAY_SECRET: is not that of this database: set what the other gateways have, or a list "
    "with theirs in it"
)


@frozen
class Limits:
    """Seconds. `beat` and `look`: between two beats of the active one, and of one that stands by.
    `trust`: that the active one trusts itself after a beat. `death`: that one must be unchanged, in
    beats with no longer gap than `gap`. `silence`: without an answer, until a connection is given
    up; with the next try that must be less than `trust`.
    """

    beat: float = 2.0
    look: float = 0.5
    trust: float = 8.0
    death: float = 10.0
    gap: float = 4.0
    silence: float = 3.0


class Lease:
    """`mine` is set while this gateway is active, `asked` once another one wants it to make way,
    and `lost` once it must end at once: `failure` says why. `listeners` hear what each beat says.
    `secrets`: hashes of the secrets that are known here, newest first.
    """

    def __init__(
        self,
        url: str,
        me: Gateway,
        secrets: Sequence[str],
        *,
        lanes: int = LANES,
        limits: Limits | None = None,
        clock: Callable[[], float] = elapsed,
    ) -> None:
        self.me = me
        self.seen: Beat | None = None
        self.failure: Exception | None = None
        self.listeners: list[Callable[[Beat], None]] = []
        self.mine, self.asked, self.lost = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._conninfo = conninfo(url)
        self._secrets = secrets
        self._lanes = lanes
        self._limits = limits or Limits()
        self._time, self._clock = clock, SharedClock(clock)
        self._watch = Unchanged(self._limits.gap)
        self._apart = Apart(self._conninfo, self._limits.silence)
        self._beats = Background()
        self._wake, self._looked = asyncio.Event(), asyncio.Event()
        self._trusted_until = 0.0
        self._is_away = self._is_over = self._is_known = self._has_made_it = False

    # -- asked by the engine, and before anything is sent out

    @property
    def is_new(self) -> bool:
        """Whether this one made the tables, and nobody else was active before it."""
        return self._has_made_it and self.seen is not None and self.seen.token <= 1

    def now(self) -> float:
        return self._clock.now()

    def trusted(self) -> bool:
        return self._time() < self._trusted_until

    def lose(self, failure: Exception | None = None) -> None:
        """Another one has this one's place, or this one must not have it."""
        self._trusted_until = 0.0
        if not self.lost.is_set():
            self.failure = failure or TakenOverError()
            self.lost.set()

    # -- its life

    async def __aenter__(self) -> Self:
        """Be there, take the lease if it is free, and go on looking. StorageError where the
        database cannot be used; ConfigurationError for secrets that are none of this database's.
        """
        self._apart.start()
        async with AsyncExitStack() as undone:
            undone.push_async_callback(self.leave)
            pause = await self._begin()
            undone.pop_all()
        self._beats.go_round(self._one_round, "the lease", self._wake, first=pause)
        return self

    async def _begin(self) -> float | None:
        try:
            self._has_made_it = await self._apart.call(self._prepare)
            pause = await self._round()
        except psycopg.Error as error:
            raise translated(error) from None
        if self.failure is not None:
            raise self.failure
        return pause

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    async def leave(self, seconds: float = 2.0) -> None:
        """The row goes, and what is held by it: the next one need not wait. If the database does
        not hear of it in so many seconds, this one is taken for dead in its time.
        """
        if self._is_over:
            return
        self._is_over, self._trusted_until = True, 0.0
        await self._beats.stop()
        self.mine.clear()
        if self._is_known:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while not await self._has_left():
                        pass
        await self._apart.close()

    async def _has_left(self) -> bool:
        try:
            await self._apart.call(partial(gateways.leave, me=self.me.id))
        except psycopg.Error:
            await asyncio.sleep(_LEAVE_AGAIN)
            return False
        return True

    async def look(self) -> None:
        """A round at once: somebody waits to know who is active."""
        looked = self._looked
        self._wake.set()
        await looked.wait()

    def set_config(self, config: str) -> None:
        """As of `Gateway`; others hear of it with the next beat."""
        self.me = replace(self.me, config=config)

    async def begin_to_leave(self) -> None:
        """Others may know that it will not be long."""
        self.me = replace(self.me, leaving=1)
        with suppress(psycopg.Error, TimeoutError):
            async with asyncio.timeout(_SAY):
                await self._beat()

    # -- a round

    async def _one_round(self) -> float | None:
        try:
            return await self._round()
        except psycopg.Error as error:
            if error.sqlstate != _LOCKED:
                self._say_that_it_is_away(error)
            return self._limits.look
        finally:
            self._looked.set()
            self._looked = asyncio.Event()

    async def _round(self) -> float | None:
        """A beat, and the lease is taken where it may be. Seconds until the next."""
        beat, unchanged = await self._beat()
        if self.lost.is_set():
            return None
        if not (beat.known or self.mine.is_set()):
            await self._apart.call(partial(gateways.register, me=self.me))
        if beat.secret is not None and beat.secret not in self._secrets:
            self.lose(ConfigurationError([NOT_THEIRS]))
        elif self._may_take(beat, unchanged):
            await self._take(beat.holder)
            beat, _ = await self._beat()
        holder = beat.holder
        if not self.mine.is_set() and holder is not None and not holder.address and self.me.address:
            await self._apart.call(partial(gateways.ask_for, me=self.me.id, holder=holder.id))
        if self.mine.is_set() and self.me.address:
            return self._limits.beat
        return self._until_death(unchanged)

    def _until_death(self, unchanged: float) -> float:
        """Seconds until the next look: none too late where the active one may be dead by then."""
        left = self._limits.death - unchanged
        return min(self._limits.look, left) if left > 0 else self._limits.look

    def _may_take(self, beat: Beat, unchanged: float) -> bool:
        return not self.mine.is_set() and (beat.holder is None or unchanged >= self._limits.death)

    async def _take(self, dead: Gateway | None) -> None:
        if dead is not None:
            log.warning("the active gateway on %s does not answer: taking its place", dead.host)
        take = partial(
            gateways.take, me=self.me.id, lanes=self._lanes, secrets=self._secrets, dead=dead
        )
        await self._apart.call(take)

    async def _beat(self) -> tuple[Beat, float]:
        """And for how many seconds the active one's row has been the same."""
        before, beat, after = await self._apart.call(self._timed_beat)
        self._clock.heard(before, after, beat.at)
        holder = beat.holder
        row = None if holder is None else (holder.id, holder.seen_at)
        unchanged = self._watch.seen(before, after, row)
        self._judge(before, beat)
        for listener in self.listeners:
            listener(beat)
        return beat, unchanged

    def _timed_beat(self, session: Session) -> tuple[float, Beat, float]:
        before = self._time()
        return before, gateways.beat(session, self.me), self._time()

    def _judge(self, before: float, beat: Beat) -> None:
        """Whether this one is active is what the row says, whatever was heard of taking it."""
        self.seen = beat
        if self.lost.is_set():
            return
        if self._is_away:
            self._is_away = False
            log.warning("the database is reached again")
        if beat.known and beat.holder is not None and beat.holder.id == self.me.id:
            self._trusted_until = before + self._limits.trust
            self.mine.set()
            if beat.wanted:
                self.asked.set()
        elif self.mine.is_set():
            self.lose()

    def _say_that_it_is_away(self, error: psycopg.Error) -> None:
        if not self._is_away:
            self._is_away = True
            log.warning("the lease: %s", translated(error))

    # -- its connection

    def _prepare(self, session: Session) -> bool:
        """The tables, and a row in them; whether the tables were made."""
        prove(self._conninfo)
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            is_new = migrate(connection)
        if self.me.address is not None:
            host = local_host(session.connection)
            self.me = replace(self.me, address=self.me.address.replace("*", host))
        self._is_known = True
        gateways.register(session, self.me)
        return is_new


async def who_is_active(url: str) -> tuple[Gateway, str] | None:
    """As the database has it, with the hash of its secret; whether it lives is another matter.
    Raises StorageError.
    """
    apart = Apart(conninfo(url), Limits().silence)
    apart.start()
    try:
        return await apart.call(gateways.active)
    except psycopg.Error as error:
        raise translated(error) from None
    finally:
        await apart.close()
