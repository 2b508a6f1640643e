"""What became of a movement's step, written down; and who is told."""

import logging
import sqlite3

from gateway.channels.smaregi.ledger import Recorded
from gateway.delivery import Runtime
from gateway.delivery.retry import retry_delay
from gateway.errors import ErrorClass, UpstreamError
from gateway.points.booking import settle_lack
from gateway.points.holding import is_taking, lack
from gateway.store import Engine
from gateway.store.points import Movement, movements, orders, reservation_steps, reservations

__all__ = ["Marks", "is_about_the_system"]

log = logging.getLogger(__name__)


class Marks:
    def __init__(self, db: Engine, runtime: Runtime) -> None:
        self._db = db
        self._runtime = runtime

    async def adopt(self, one: Movement, there: Recorded) -> None:
        """As it is in the ledger; its order is read again, and moves what is left."""
        now, member_id = self._runtime.clock(), there.member_id or one.member_id

        def unit(db: sqlite3.Connection) -> None:
            if not movements.adopt(db, one, member_id, there.points, there.head_id, now):
                return
            if one.order_id is not None:
                orders.move_order(db, one.order_id, member_id)
                orders.notice(db, one.order_id, now, known=True)
            else:
                reservation_steps.wake(db, one.reservation_id or 0, now)

        await self._db.write(unit)
        log.warning("points: movement %d was in Smaregi already: taken over from there", one.id)

    async def take_what_is_there(self, one: Movement, balance: int) -> None:
        now = self._runtime.clock()
        settle = settle_lack if one.order_id is not None else lack
        await self._db.write(lambda db: settle(db, one, balance, now))

    async def give_up(self, one: Movement, text: str) -> None:
        """It cannot be sent. Points that were only to be taken for a code are not taken."""
        now = self._runtime.clock()

        def unit(db: sqlite3.Connection) -> bool:
            held = reservations.get(db, one.reservation_id or 0)
            if held is None or not is_taking(held, one):
                return False
            lack(db, one, 0, now)
            return True

        if not await self._db.write(unit):
            await self.stuck(one, text)

    async def not_done(self, sent: Movement, error: UpstreamError) -> None:
        """It certainly came to nothing. What is about the whole system uses up no try."""
        counted = not is_about_the_system(error)
        now, schedule = self._runtime.clock(), self._runtime.policy.schedule
        at = now + (retry_delay(schedule, sent.attempts, lambda: 0.5) if counted else 0.0)
        text = str(error)
        await self._db.write(
            lambda db: movements.return_to_owed(db, sent.id, at, text, counted=counted)
        )

    async def again(self, sent: Movement) -> None:
        """Nothing arrived, and nothing can any more: owed as before, and sent again the same."""
        now, text = self._runtime.clock(), sent.message or "no answer, and Smaregi does not have it"
        await self._db.write(
            lambda db: movements.return_to_owed(db, sent.id, now, text, counted=True)
        )

    async def done(self, one: Movement, head_id: str) -> None:
        now = self._runtime.clock()

        def unit(db: sqlite3.Connection) -> None:
            if not movements.settle(db, one.id, "done", now, head_id=head_id):
                return
            if one.order_id is not None:
                orders.has_moved(db, one.order_id)
            else:
                reservation_steps.has_moved(db, one.reservation_id or 0, now)
            if one.points > 0:
                orders.wake_lacking(db, one.member_id, now)
                reservation_steps.wake_lacking(db, one.member_id, now)

        await self._db.write(unit)
        self._runtime.listener.points_moved(one.points)

    async def stuck(self, one: Movement, text: str) -> None:
        now = self._runtime.clock()
        await self._db.write(lambda db: movements.settle(db, one.id, "stuck", now, message=text))
        log.error("points: movement %d needs a person: %s", one.id, text)
        self._runtime.listener.failed("points", ErrorClass.CONFLICT, f"movement {one.id}: {text}")

    async def later(self, one: Movement, seconds: float) -> None:
        at = self._runtime.clock() + seconds
        await self._db.write(lambda db: movements.later(db, one.id, at, None))

    async def note(self, sent: Movement, text: str) -> None:
        now = self._runtime.clock()
        await self._db.write(lambda db: movements.later(db, sent.id, now, text))


def is_about_the_system(error: UpstreamError) -> bool:
    return error.opens_circuit or error.error_class is ErrorClass.AUTH
