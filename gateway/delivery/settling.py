"""Writes how attempts ended: in one commit for those that end together, yet each for itself."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence

from gateway.delivery.attempt import Ended
from gateway.delivery.clock_jumps import Jumps
from gateway.delivery.retry import Decision
from gateway.errors import ErrorClass, StorageError
from gateway.outcomes import Delivery, Outcome
from gateway.store import Database, outbox
from gateway.store.outbox import Settlement

__all__ = ["Ends", "ended_together"]

log = logging.getLogger(__name__)

_TOGETHER = 0.01
"""Seconds that an outcome waits for others, to share one commit."""


class Ends:
    """`clock` is wall time; `listen` is called with every settled attempt."""

    def __init__(
        self,
        db: Database,
        jumps: Jumps,
        clock: Callable[[], float],
        listen: Callable[[Ended], None],
    ) -> None:
        self._db = db
        self._jumps = jumps
        self._clock = clock
        self._listen = listen

    async def settle(self, settlements: Sequence[Settlement]) -> list[Ended]:
        """An outcome that cannot be written does not stop the others. Raises StorageError.

        That delivery is failed, so that a person looks at it: another attempt would end the same.
        """
        try:
            return await self._write(settlements)
        except StorageError:
            raise
        except Exception as error:
            if len(settlements) > 1:
                return [ended for one in settlements for ended in await self.settle([one])]
            (end,) = settlements
            log.exception("the outcome of delivery %d cannot be written", end.delivery_id)
            return await self._write([_unwritable(end, type(error).__name__)])

    async def _write(self, settlements: Sequence[Settlement]) -> list[Ended]:
        """Writes all together, and calls `listen` only then."""
        await self._jumps.follow()
        now = self._clock()
        written = await self._db.write(lambda db: outbox.settle(db, settlements, now))
        settled = []
        for settlement in settlements:
            if (delivery := written.get(settlement.delivery_id)) is not None:
                settled.append(Ended.of(delivery, settlement))
                self._tell(settled[-1])
        return settled

    async def end(
        self, delivery: Delivery, outcome: Outcome, error_class: ErrorClass | None, message: str
    ) -> Delivery | None:
        """Ends a delivery that is no longer tried; None if it was discarded meanwhile."""
        now = self._clock()
        settlement = Settlement(
            delivery.id, outcome, started_at=now, error_class=error_class, message=message
        )
        settled = await self.settle([settlement])
        return settled[0].delivery if settled else None

    async def postpone(self, deliveries: Sequence[Delivery], decision: Decision) -> None:
        """The deliveries wait. Nothing was tried, so only the time of the next try is written."""
        ids = [d.id for d in deliveries if d.outcome in {Outcome.PENDING, Outcome.RETRYING}]
        if ids:
            await self._jumps.follow()
            now = self._clock()
            await self._db.write(lambda db: outbox.postpone(db, ids, decision, now))

    def _tell(self, ended: Ended) -> None:
        try:
            self._listen(ended)
        except Exception:  # it is written: an error of a listener changes nothing
            log.exception("the end of delivery %d could not be told", ended.delivery.id)


def _unwritable(end: Settlement, error: str) -> Settlement:
    text = f"the attempt was made ({end.outcome}), its outcome could not be written: {error}"
    return Settlement(
        end.delivery_id,
        Outcome.FAILED,
        started_at=end.started_at,
        duration=end.duration,
        error_class=ErrorClass.UNEXPECTED,
        message=f"{text}; see the log, then replay it",
    )


async def ended_together(
    running: Iterable["asyncio.Task[Settlement]"], seconds: float
) -> set["asyncio.Task[Settlement]"]:
    """The first to end, and those that end with it; none if `seconds` pass before that."""
    first, rest = await asyncio.wait(running, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    if not first or not rest:
        return first
    also, _ = await asyncio.wait(rest, timeout=_TOGETHER)
    return first | also
