"""A customer spends points: a reservation is written, and goes as far as it can while they wait.

From then on it goes on, whatever becomes of the request: see `keeper`.
"""

import asyncio
import logging
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial

from flags import Mode
from gateway import frozen
from gateway.channels.smaregi.turns import MemberTurns
from gateway.delivery import Runtime
from gateway.errors import ErrorClass, UpstreamError
from gateway.points.booking import move
from gateway.points.eligibility import Asked, Eligibility, Refusal, Worth
from gateway.points.holding import account_of, own_movements
from gateway.points.keeper import ReservationKeeper
from gateway.points.sender import Sender
from gateway.points.settings import PointsSettings
from gateway.points.switch import Switch
from gateway.store import Engine, Keys
from gateway.store.points import Reservation, movements, reservation_steps, reservations

__all__ = ["Reserved", "Reserving", "ReservingParts"]

log = logging.getLogger(__name__)

PATIENCE = 4.0
"""Seconds that the systems may take to answer before anything is written."""
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_LENGTH = 20
_MINUTE = 60.0
_SHOWN = 20
_TURNS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Seconds between looks whether it is its turn: the member's older points go first."""


@frozen
class Reserved:
    """`one` None: under `dry_run` they would be worth `yen`. `again`: by its key, as before."""

    yen: int
    one: Reservation | None = None
    again: bool = False


@frozen
class ReservingParts:
    """`turns`: of members, as the worker's. `noticed()` is called when there is work."""

    db: Engine
    keys: Keys
    eligibility: Eligibility
    switch: Switch
    sender: Sender
    keeper: ReservationKeeper
    turns: MemberTurns
    settings: Callable[[], PointsSettings]
    noticed: Callable[[], None]


class Reserving:
    def __init__(self, parts: ReservingParts, runtime: Runtime) -> None:
        self._of = parts
        self._runtime = runtime
        self._under_way: dict[int, asyncio.Task[UpstreamError | None]] = {}

    async def reserve(self, asked: Asked) -> Reserved | Refusal:
        """Raises EmailNotProven, and UpstreamError: then nothing has happened."""
        began, mode = self._time(), self._of.switch.spending()
        if mode is Mode.OFF:
            return Refusal("off")
        if known := await self._by_key(asked):
            return await self._again(known, asked, began)
        if mode is Mode.HOLD:
            return Refusal("held")
        limit = min(PATIENCE, self._runtime.policy.timeout)
        found = await self._of.eligibility.look(asked, limit)
        if isinstance(found, Refusal):
            return found
        return Reserved(found.yen) if found.dry_run else await self._open(asked, found, began)

    @staticmethod
    def _time() -> float:
        return asyncio.get_running_loop().time()

    async def _open(self, asked: Asked, worth: Worth, began: float) -> Reserved | Refusal:
        now, settings = self._runtime.clock(), self._of.settings()
        code = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
        keys, hashes = self._of.keys, self._hashes(asked)
        new = reservation_steps.New(
            asked.customer_id,
            worth.member_id,
            asked.points,
            worth.yen,
            code,
            now + settings.points_reservation_minutes * _MINUTE,
            hashes[0] if hashes else None,
            keys.hash(_BODY, _body(asked)),
        )

        def unit(db: sqlite3.Connection) -> reservation_steps.Opened | Reservation | None:
            if known := reservations.by_key(db, hashes, now):
                return known  # the same request, at the same moment
            if movements.is_stuck(db, worth.member_id):
                return None
            opened = reservation_steps.open_(db, new, now)
            one = reservations.get(db, opened.id)
            if one is not None:
                move(db, account_of(one), (), -one.points, settings.place, now)
            return opened

        opened = await self._of.db.write(unit)
        if isinstance(opened, Reservation):
            return await self._again(opened, asked, began)
        if opened is None:
            return Refusal("stopped")
        if opened.other is not None:
            return Refusal("active", opened.other)
        if opened.wait:
            return Refusal("too_many", int(opened.wait) + 1)
        return await self._result(opened.id, worth.yen, began)

    # -- while they wait

    async def _result(
        self, reservation_id: int, yen: int, began: float, *, again: bool = False
    ) -> Reserved | Refusal:
        """As far as it comes until the answer is due."""
        task = self._work(reservation_id)
        left = began + self._runtime.policy.deadline - self._time()
        done, _ = await asyncio.wait([task], timeout=max(0.0, left))
        one = await self._of.db.read(lambda db: reservations.get(db, reservation_id))
        if one is None:
            raise (task.result() if done else None) or _withdrawn()
        if one.state == "refused":
            balance = await self._of.eligibility.balance(one.member_id)
            return Refusal("no_member") if balance is None else Refusal("insufficient", balance)
        if one.state in {"closing", "released"}:  # it was ended before it became a code
            return Refusal("ended")
        return Reserved(yen, one, again)

    def _work(self, reservation_id: int) -> "asyncio.Task[UpstreamError | None]":
        """One for all who wait for it."""
        task = self._under_way.get(reservation_id)
        if task is None:
            work = self._bring_on(reservation_id)
            task = self._runtime.background.keep(work, "a reservation of points")
            self._under_way[reservation_id] = task
            task.add_done_callback(lambda _: self._under_way.pop(reservation_id, None))
        return task

    async def _bring_on(self, reservation_id: int) -> UpstreamError | None:
        """Its points are taken and its code is made; what cannot be done now is left to the worker.

        Unless nothing was sent yet: then it is withdrawn, for this error.
        """
        try:
            await self._take(reservation_id)
        except UpstreamError as error:
            log.warning("points: reservation %d: %s", reservation_id, error)
            write = self._of.db.write
            gone = await write(lambda db: reservation_steps.withdraw(db, reservation_id))
            return error if gone else None
        try:
            await self._of.keeper.go_on(reservation_id)
        except UpstreamError as error:
            log.warning("points: reservation %d: %s", reservation_id, error)
        self._of.noticed()
        return None

    async def _take(self, reservation_id: int) -> None:
        """By its first movement, unless the worker has begun it."""
        for seconds in _TURNS:
            own = await self._of.db.read(lambda db: own_movements(db, reservation_id))
            if not own or own[0].state != "owed":
                return
            first = own[0]
            async with self._of.turns.of(first.member_id):
                if await self._of.db.read(partial(movements.is_turn, movement_id=first.id)):
                    await self._of.sender.go_on(first.id)
                    return
            self._of.noticed()
            await asyncio.sleep(seconds)

    # -- the same again

    async def _by_key(self, asked: Asked) -> Reservation | None:
        hashes, now = self._hashes(asked), self._runtime.clock()
        return await self._of.db.read(lambda db: reservations.by_key(db, hashes, now))

    def _hashes(self, asked: Asked) -> list[bytes]:
        """Of its key, by every secret, newest first."""
        every = self._of.keys.every if asked.key is not None else ()
        return [keys.hash(_KEY, asked.key or "") for keys in every]

    async def _again(self, known: Reservation, asked: Asked, began: float) -> Reserved | Refusal:
        if known.body_hash not in {keys.hash(_BODY, _body(asked)) for keys in self._of.keys.every}:
            return Refusal("key_reused")
        if known.state == "pending":
            return await self._result(known.id, known.yen, began, again=True)
        return Reserved(known.yen, known, again=True)

    # -- afterwards

    async def show(self, customer_id: int, reservation_id: int) -> Reservation | None:
        """None if the customer has no such reservation."""
        one = await self._of.db.read(lambda db: reservations.get(db, reservation_id))
        return one if one is not None and one.customer_id == customer_id else None

    async def newest(self, customer_id: int) -> Sequence[Reservation]:
        return await self._of.db.read(lambda db: reservations.of_customer(db, customer_id, _SHOWN))

    async def close(self, customer_id: int, reservation_id: int) -> Reservation | None:
        """It is to end, if it is open; as it stands then. None as `show`."""
        if await self.show(customer_id, reservation_id) is None:
            return None
        now = self._runtime.clock()
        await self._of.db.write(lambda db: reservation_steps.close(db, reservation_id, now))
        self._of.noticed()
        return await self.show(customer_id, reservation_id)


_KEY, _BODY = b"points key", b"points body"


def _body(asked: Asked) -> str:
    return f"{asked.customer_id} {asked.points}"


def _withdrawn() -> UpstreamError:
    text = "the system went away before the points were taken"
    return UpstreamError("smaregi", "reserve points", ErrorClass.UNAVAILABLE, text, applied=False)
