"""The work that goes on by itself: orders that are due are read, movements and reservations take
their next step.

Each step is written down before the next, so nothing is claimed: a round that dies is made again.
A system that does not answer pauses what needs it, longer each time; nothing is counted meanwhile.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from gateway import frozen
from gateway.channels.smaregi.turns import MemberTurns
from gateway.delivery import Runtime
from gateway.delivery.retry import retry_delay
from gateway.errors import ErrorClass, StorageError, UpstreamError
from gateway.points.booking import CHANNEL
from gateway.points.keeper import ReservationKeeper
from gateway.points.marks import is_about_the_system
from gateway.points.proof import Proof
from gateway.points.reader import OrderReader
from gateway.points.sender import Sender
from gateway.points.settings import PointsSettings
from gateway.points.switch import Switch
from gateway.store import Engine
from gateway.store.points import (
    Movement,
    PointOrder,
    Reservation,
    Way,
    movements,
    orders,
    reservation_steps,
    reservations,
)
from gateway.wire import Lane, lane

__all__ = ["PointsWorker", "WorkerParts"]

log = logging.getLogger(__name__)

T = TypeVar("T")

IDLE = 5.0
"""Seconds between looks when nothing wakes the worker."""
_AT_ONCE = 4
_PAGE = 20
_AGAIN = 60.0
"""Seconds until a movement is looked at again whose look was answered with nonsense."""
_SHORTEST, _LONGEST = 5.0, 300.0
_AREA = "points"
_STRANGE = "an error of the gateway itself; see its log"


@frozen
class WorkerParts:
    db: Engine
    reader: OrderReader
    sender: Sender
    keeper: ReservationKeeper
    turns: MemberTurns
    proof: Proof
    switch: Switch
    settings: Callable[[], PointsSettings]
    way: Callable[[], Way]


class _Pause:
    """Of what needs a system that does not answer; in seconds of `time.monotonic`."""

    def __init__(self) -> None:
        self._until, self._seconds = 0.0, 0.0

    @property
    def left(self) -> float:
        return max(0.0, self._until - time.monotonic())

    def longer(self, asked: float | None) -> None:
        self._seconds = min(_LONGEST, max(_SHORTEST, self._seconds * 2))
        self._until = time.monotonic() + max(self._seconds, min(asked or 0.0, _LONGEST))

    def over(self) -> None:
        self._until, self._seconds = 0.0, 0.0


class PointsWorker:
    def __init__(self, parts: WorkerParts, wake: asyncio.Event, runtime: Runtime) -> None:
        self._of = parts
        self._runtime = runtime
        self._wake = wake
        self._reading, self._sending = _Pause(), _Pause()

    async def start(self) -> None:
        now = self._runtime.clock()

        def unit(db: sqlite3.Connection) -> None:
            orders.take_up(db, now)
            movements.take_up(db, now)
            reservation_steps.take_up(db, now)

        await self._of.db.write(unit)
        self._runtime.background.go_round(self.round, "points", self._wake)

    def flags_changed(self) -> None:
        self._of.switch.flags_changed()
        self._reading.over()
        self._sending.over()
        self._wake.set()

    async def round(self) -> float:
        """Everything that is due now, once; seconds until the next round."""
        lane.set(Lane.BACKLOG)
        await self._of.switch.keep()
        await self._look_after_those_who_wait()
        worked = await self._read_orders()
        worked |= await self._move()
        worked |= await self._keep_reservations()
        return 0.0 if worked else await self._rest()

    async def _rest(self) -> float:
        """Until the next is due, or until a pause is over; at most IDLE."""
        now = self._runtime.clock()
        due = await self._of.db.read(orders.next_due)
        at = await self._of.db.read(movements.next_at)
        waits = [IDLE]
        waits += [] if due is None else [max(due - now, self._reading.left)]
        waits += [] if at is None else [max(at - now, self._sending.left)]
        ends = await self._of.db.read(reservations.next_due)
        waits += [] if ends is None else [max(ends - now, self._reading.left)]
        return max(0.1, min(waits))

    async def _look_after_those_who_wait(self) -> None:
        """For a member, who may be linked by now; or too long."""
        now = self._runtime.clock()
        before = now - self._of.settings().points_claim_days * 86400

        def unit(db: sqlite3.Connection) -> None:
            orders.wake_linked(db, CHANNEL, now)
            orders.expire(db, before, now)

        await self._of.db.write(unit)

    # -- orders

    async def _read_orders(self) -> bool:
        if self._reading.left:
            return False
        now = self._runtime.clock()
        due = await self._of.db.read(lambda db: orders.due(db, now, _PAGE))
        return await self._each(due, self._read, self._reading)

    async def _read(self, order: PointOrder) -> None:
        try:
            await self._of.reader.read(order)
        except UpstreamError as error:
            if is_about_the_system(error):
                raise
            await self._failed(order, error.error_class, str(error))
        except StorageError:
            raise
        except Exception:
            log.exception("points: an order broke its reading")
            await self._failed(order, ErrorClass.UNEXPECTED, _STRANGE)

    async def _failed(self, order: PointOrder, error_class: ErrorClass, text: str) -> None:
        """A try is used up; after the last one a person is told."""
        now, schedule = self._runtime.clock(), self._runtime.policy.schedule
        if order.attempts >= len(schedule):
            await self._of.db.write(lambda db: orders.given_up(db, order, error_class, text, now))
            self._runtime.listener.failed(_AREA, error_class, f"an order: {text}")
            return
        at = now + retry_delay(schedule, order.attempts + 1, lambda: 0.5)
        await self._of.db.write(
            lambda db: orders.put_off(db, order.order_id, at, error_class, text, counted=True)
        )

    # -- movements

    async def _move(self) -> bool:
        """Each of another member. Until the way is proven, one at a time."""
        if self._sending.left:
            return False
        by_transaction = self._of.way() == "transaction"
        if by_transaction and await self._of.proof.stopped():
            return False
        now = self._runtime.clock()
        found = await self._of.db.read(lambda db: movements.turns(db, now, _PAGE))
        if by_transaction and not await self._of.proof.is_proven():
            found = found[:1]
        return await self._each(found, self._step, self._sending)

    async def _step(self, one: Movement) -> None:
        async with self._of.turns.of(one.member_id):
            if not await self._of.db.read(lambda db: movements.is_turn(db, one.id)):
                return  # a merge has begun, or a person has settled it
            try:
                await self._of.sender.go_on(one.id)
            except UpstreamError as error:
                if is_about_the_system(error):
                    raise
                log.warning("points: movement %d: %s", one.id, error)
                at, text = self._runtime.clock() + _AGAIN, str(error)
                await self._of.db.write(lambda db: movements.put_off(db, one.id, at, text))

    # -- reservations

    async def _keep_reservations(self) -> bool:
        if self._reading.left:
            return False
        now = self._runtime.clock()
        due = await self._of.db.read(lambda db: reservations.due(db, now, _PAGE))
        return await self._each(due, self._keep, self._reading)

    async def _keep(self, one: Reservation) -> None:
        try:
            await self._of.keeper.go_on(one.id)
        except (StorageError, UpstreamError):
            raise
        except Exception:
            log.exception("points: reservation %d broke its step", one.id)
            at = self._runtime.clock() + _AGAIN
            await self._of.db.write(lambda db: reservation_steps.put_off(db, one, at))

    # -- all of them

    async def _each(
        self, found: Sequence[T], work: Callable[[T], Awaitable[None]], pause: _Pause
    ) -> bool:
        """Some at a time. What has begun ends, even if this process is told to stop meanwhile."""
        slots = asyncio.Semaphore(_AT_ONCE)

        async def one(each: T) -> UpstreamError | None:
            async with slots:
                try:
                    await work(each)
                except UpstreamError as error:
                    return error
            return None

        keep = self._runtime.background.keep
        tasks = [keep(one(each), "points, one step") for each in found]
        if not tasks:
            return False
        await asyncio.wait(tasks)
        return self._judge([task.result() for task in tasks], pause)

    def _judge(self, results: Sequence[UpstreamError | None], pause: _Pause) -> bool:
        """Whether everything went on; a StorageError is the round's."""
        errors = [each for each in results if each is not None]
        for error in errors:
            self._runtime.listener.failed(_AREA, error.error_class, str(error))
        if errors:
            pause.longer(max(error.retry_after or 0.0 for error in errors))
            return False
        pause.over()
        self._runtime.listener.worked(_AREA)
        return True
