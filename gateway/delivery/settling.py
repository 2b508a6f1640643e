"""Stores the outcomes of attempts: one commit for those that end together, and one that cannot be
stored stops no other.
"""

import logging
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gateway.delivery.clock_jumps import ClockJumps
from gateway.delivery.ended import SettledAttempt
from gateway.delivery.retry import RetryDecision
from gateway.delivery.runtime import Runtime
from gateway.errors import ErrorClass, StorageError
from gateway.outcomes import AUTOMATIC, Delivery, Outcome, Waiting
from gateway.store import Engine, outbox
from gateway.store.batches import batches
from gateway.store.engine import ALONE, Batched, Whom
from gateway.store.outbox import AttemptResult

__all__ = ["AttemptResults"]

log = logging.getLogger(__name__)

_AT_ONCE = 16
"""Outcomes in a statement, at most."""


class AttemptResults:
    """The listener is told of every settled attempt.

    `wakings` counts how often something that deliveries wait for came about. Note the count before
    you look for it: if it has risen since, do not wait.
    """

    def __init__(self, db: Engine, clock_jumps: ClockJumps, runtime: Runtime) -> None:
        self._db = db
        self._clock_jumps = clock_jumps
        self._live = runtime.live
        self._listener = runtime.listener
        self.wakings = 0

    async def settle(self, results: Sequence[AttemptResult]) -> list[SettledAttempt]:
        """An outcome that cannot be written does not stop the others. Raises StorageError.

        That delivery is failed, so that a person looks at it: another attempt would end the same.
        """
        try:
            return await self._write(results)
        except StorageError:
            raise
        except Exception as error:
            if len(results) > 1:
                return [ended for one in results for ended in await self.settle([one])]
            (end,) = results
            log.exception("the outcome of delivery %d cannot be written", end.delivery_id)
            return await self._write([_unwritable(end, type(error).__name__)])

    async def _write(self, results: Sequence[AttemptResult]) -> list[SettledAttempt]:
        """Writes all together, and calls `listen` only then."""
        await self._clock_jumps.follow()
        now = self._live.clock()
        for result in results:
            if result.next_attempt_at is not None:
                self._move_along(result, now)
        written = await self._db.write(Batched(_settle, (results, now)), _keys(results))
        settled = [
            SettledAttempt.of(delivery, result)
            for result in results
            if (delivery := written.get(result.delivery_id)) is not None
        ]
        self._tell(settled)
        return settled

    async def end(
        self,
        delivery: Delivery,
        outcome: Outcome,
        error_class: ErrorClass | None,
        message: str,
        reason: str | None = None,
    ) -> Delivery | None:
        """Ends a delivery that is no longer tried; None if it was changed or discarded since it was
        read: then it is decided about anew.
        """
        now = self._live.clock()
        result = AttemptResult(
            delivery.id,
            outcome,
            started_at=now,
            error_class=error_class,
            message=message,
            reason=reason,
            version=delivery.version,
            customer_id=delivery.customer_id,
        )
        settled = await self.settle([result])
        return settled[0].delivery if settled else None

    async def postpone(
        self, deliveries: Sequence[Delivery], decision: RetryDecision, wakings: int
    ) -> None:
        """Puts deliveries off. Nothing was tried, so only the time of the next try is written."""
        ids = [d.id for d in deliveries if d.outcome in AUTOMATIC]
        if ids:
            ahead = self._clock_jumps.ahead()
            await self._clock_jumps.follow()
            now, moved = self._live.clock(), self._clock_jumps.since(ahead)
            wait = replace(decision, next_attempt_at=(decision.next_attempt_at or now) + moved)
            if wakings != self.wakings:
                wait = replace(wait, next_attempt_at=now)
            await self._db.write(lambda db: outbox.postpone(db, ids, wait, now))

    def _move_along(self, result: AttemptResult, now: float) -> None:
        """What was said by a clock that was set since, or waits for what is there by now: that is
        due at once, and still no failure of its own, for a backfill that goes on with it.
        """
        if result.next_attempt_at is not None and result.ahead is not None:
            result.next_attempt_at += self._clock_jumps.since(result.ahead)
            result.ahead = self._clock_jumps.ahead()
        if result.waiting is not None and result.wakings != self.wakings:
            result.next_attempt_at = now

    async def wake(self, waiting: Waiting, channel: str | None = None) -> None:
        """What deliveries waited for is over."""
        self.wakings += 1
        await self._clock_jumps.follow()
        now = self._live.clock()
        while await self._db.write(lambda db: outbox.wake(db, waiting, channel, now)):
            pass

    def _tell(self, settled: Iterable[SettledAttempt]) -> None:
        with self._listener.together():
            for ended in settled:
                try:
                    self._listener.attempt_ended(ended)
                except Exception:  # the outcome is stored: an error of a listener changes nothing
                    log.exception("the end of delivery %d could not be told", ended.delivery.id)


def _settle(
    db: sqlite3.Connection, asked: Sequence[tuple[Sequence[AttemptResult], float]]
) -> list[Mapping[int, Delivery]]:
    """`outbox.settle` for all who ask in the same moment; each is told of more than its own. A
    delivery that ends twice ends one time after the other.
    """
    results = [one for some, _ in asked for one in some]
    if len({one.delivery_id for one in results}) < len(results):
        return [outbox.settle(db, some, now) for some, now in asked]
    now, written = max(now for _, now in asked), dict[int, Delivery]()
    for some in batches(results, _AT_ONCE):
        written |= outbox.settle(db, some, now)
    return [written] * len(asked)


def _keys(results: Sequence[AttemptResult]) -> Whom:
    known = [one.customer_id for one in results if one.customer_id is not None]
    return known if len(known) == len(results) else ALONE


def _unwritable(end: AttemptResult, error: str) -> AttemptResult:
    text = f"the attempt was made ({end.outcome}), its outcome could not be written: {error}"
    return AttemptResult(
        end.delivery_id,
        Outcome.FAILED,
        started_at=end.started_at,
        duration=end.duration,
        error_class=ErrorClass.UNEXPECTED,
        message=f"{text}; see the log, then replay it",
        customer_id=end.customer_id,
    )
