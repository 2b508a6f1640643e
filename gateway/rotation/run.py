"""`secret rotate`: works in the background, and the next owner of the database continues it.

sign-ups under way   sealed anew, from what is sealed; again at every start
the member index     scanned anew; attempts that need it wait, as at the first scan
customers            page by page, a checkpoint behind each: a repeated page finds it all done
the end              from when the older secrets may go: what is kept for a day needs them
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from gateway.background import WOKEN, Background
from gateway.channels.smaregi import Smaregi
from gateway.delivery import Runtime
from gateway.errors import StorageError, UpstreamError
from gateway.responses.bodies import iso
from gateway.rotation.customers import CustomerRekeying
from gateway.rotation.stock import reseal, take_stock
from gateway.store import Engine, Keys, rekeying
from gateway.store.rekeying import RotationCheckpoint
from gateway.wire import Lane, lane

__all__ = ["Rotation"]

log = logging.getLogger(__name__)

_AGAIN = 30.0
"""Seconds after which `serve` goes on where an upstream system stopped it."""
_SHOW = 0.2


@dataclass(slots=True)
class Progress:
    step: str = "members"
    customers: int = 0


class Rotation:
    def __init__(
        self,
        db: Engine,
        keys: Keys,
        customers: CustomerRekeying,
        smaregi: Smaregi,
        runtime: Runtime,
    ) -> None:
        self._db = db
        self._keys = keys
        self._customers = customers
        self._smaregi = smaregi
        self._runtime = runtime
        self._wake = asyncio.Event()
        self._loops = Background()
        self._task: asyncio.Task[None] | None = None
        self._progress = Progress()

    async def take_over(self, *, serves: bool) -> None:
        """The first thing a new owner does."""
        await take_stock(self._db, self._keys, self._runtime.clock(), remember=serves)
        await reseal(self._db, self._keys)

    def start(self) -> None:
        """Continues what this owner or a dead one has begun."""
        self._loops.go_round(self._round, "the secret's rotation", self._wake)

    async def stop(self) -> None:
        await self._loops.stop()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def run(self, newest: str) -> AsyncIterator[dict[str, Any]]:
        """`progress` events, then `end`: with `state`, and any `error`.

        `newest`: the fingerprint of the secret that whoever asks means. `state` is `stale` where we
        were started with another, `single` where there is no older one, else `begun` or `rotated`.
        """
        if newest != self._keys.fingerprint:
            yield {"event": "end", "state": "stale"}
            return
        if not self._keys.older:
            yield {"event": "end", "state": "single"}
            return
        if (done := self._ended(await self._db.read(rekeying.used))) is not None:
            yield done
            return
        task = self._join()
        while not task.done():
            yield {"event": "progress"} | self._shown()
            await asyncio.wait({task}, timeout=_SHOW)
        error = None if task.cancelled() else task.exception()
        if error is None and not task.cancelled():
            ended = self._ended(await self._db.read(rekeying.used))
            yield (ended or {"event": "end", "state": "begun"}) | self._shown()
            return
        yield {"event": "end", "state": "begun", "error": _text(error)} | self._shown()

    def _shown(self) -> dict[str, Any]:
        progress, scan = self._progress, self._smaregi.index.progress
        return {
            "step": progress.step,
            "members": scan.members,
            "customers": progress.customers,
        }

    def _ended(self, used: dict[str, float | None]) -> dict[str, Any] | None:
        """The `end` of a rotation that is done; None where there is something to key anew."""
        ends = [used.get(older.fingerprint) for older in self._keys.older]
        until = max((end for end in ends if end is not None), default=None)
        if None in ends or until is None:
            return None
        return {
            "event": "end",
            "state": "rotated",
            "older": len(ends),
            "may_go_at": iso(until),
            "may_go": until <= self._runtime.clock(),
        }

    # -- the work

    async def _round(self) -> float | None:
        begun = await self._db.read(rekeying.checkpoint)
        if begun is None or not self._keys.older:
            return WOKEN
        try:
            await self._join()
        except UpstreamError as error:
            log.warning("the secret's rotation goes on in %.0f s: %s", _AGAIN, _text(error))
            return _AGAIN
        return WOKEN

    def _join(self) -> "asyncio.Task[None]":
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._rotate(), name="secret rotate")
            self._task.add_done_callback(_log_error)
            self._wake.set()
        return self._task

    async def _rotate(self) -> None:
        lane.set(Lane.BACKLOG)
        checkpoint = await self._db.write(self._begin)
        self._progress = Progress(customers=checkpoint.customers)
        await reseal(self._db, self._keys)
        self._runtime.listener.intent_gone()
        await self._smaregi.index.rekey(scan=self._runtime.policy.uses("smaregi"))
        self._progress.step = "customers"
        while ids := await self._customers.page(checkpoint.after):
            checkpoint = replace(
                checkpoint, after=ids[-1], customers=checkpoint.customers + len(ids)
            )
            await self._db.write(partial(rekeying.set_checkpoint, reached=checkpoint))
            self._progress.customers = checkpoint.customers
        newest, older = self._keys.fingerprint, [each.fingerprint for each in self._keys.older]
        now = self._runtime.clock()
        await self._db.write(lambda db: rekeying.finish(db, newest, older, now))
        log.info("everything is keyed by the newest secret: %d customers", checkpoint.customers)

    def _begin(self, db: sqlite3.Connection) -> RotationCheckpoint:
        """The checkpoint of one that was broken off; another secret's counts for nothing."""
        known = rekeying.checkpoint(db)
        checkpoint = (
            known
            if known and known.to == self._keys.fingerprint
            else RotationCheckpoint(self._keys.fingerprint)
        )
        rekeying.set_checkpoint(db, checkpoint)
        return checkpoint


def _text(error: BaseException | None) -> str:
    if isinstance(error, UpstreamError):
        return f"{error.system}: {error}"
    if isinstance(error, StorageError):
        return f"{error} ({error.hint})"
    return "it was stopped" if error is None else "an error of the gateway itself; see its log"


def _log_error(task: "asyncio.Task[None]") -> None:
    """Whoever waits for the rotation reports errors of upstreams and of the database; a bug is
    logged here.
    """
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, UpstreamError | StorageError):
        log.error("the rotation failed unexpectedly", exc_info=error)
