"""Moves points between two members, through an API without idempotency.

The points are taken from the absorbed member before the survivor gets them. So nobody can spend
them twice, whatever dies or is lost in between, and our row says how many the survivor still has to
get. If they were added first, both members would have them meanwhile, to be spent at any till.

Each change is written down, with the balance read right before it, and then sent, once. An answer
that names the transaction proves that it was done. After any other answer the balance decides. If
it is as expected, the change was done. If it stays as before for so long that no late request can
arrive any more, it was not. Otherwise the till moved points at the same moment, and a person has to
compare.
"""

import asyncio
import time
from collections.abc import Callable

from gateway.channels.smaregi.client import SmaregiClient
from gateway.duplicates.command_events import Report, Unfinished
from gateway.errors import ErrorClass, UpstreamError
from gateway.store import Engine, merges
from gateway.store.merges import Merge
from gateway.store.points import movements

__all__ = ["PointsTransfer", "UnclearBalance"]

_PAUSE = 1.0
"""Seconds between two readings of a balance, at most."""


class UnclearBalance(Exception):  # noqa: N818 - told to a person, nothing is broken
    """The balance is neither as before nor as expected."""


class PointsTransfer:
    """`patience`: seconds after which our request can no longer arrive."""

    patience = 60.0

    def __init__(
        self, db: Engine, client: SmaregiClient, clock: Callable[[], float] = time.time
    ) -> None:
        self._db = db
        self._client = client
        self._clock = clock

    async def require_rest(self, one: int, other: int) -> None:
        """Points earned online that may be on their way would be taken for the merge's own."""
        if await self._db.read(lambda db: movements.is_moving(db, (one, other))):
            raise Unfinished(
                "Points that one of them earned online are on their way, or stuck: see `points "
                "list`. Nothing was begun; run the same command again later."
            )

    async def take(self, merge: Merge, report: Report) -> Merge:
        """From the absorbed: `begun`, or a later step where the till gave it more, -> `taking` ->
        `taken`; `given` if there are none. What was not carried out is as before it was sent.
        """
        if merge.step == "taking":  # of a run that is gone: it has begun in any case
            return await self._clear_up(merge, "given", "taken", report)
        balance = await self.balance(merge.absorbed)
        if balance <= 0:
            return await self._write(merge.at("given", self._clock()))
        taking = merge.at("taking", self._clock(), points=balance, balance_before=balance)
        return await self._send(await self._write(taking), merge.step, "taken", report)

    async def give(self, merge: Merge, report: Report) -> Merge:
        """To the survivor: `taken` or `giving` -> `given`."""
        if merge.step == "taken":
            balance = await self.balance(merge.survivor)
            giving = merge.at("giving", self._clock(), balance_before=balance)
            return await self._send(await self._write(giving), "taken", "given", report)
        return await self._clear_up(merge, "taken", "given", report)

    async def _send(self, merge: Merge, before: str, after: str, report: Report) -> Merge:
        """Sends it once, and never again before it is known not to have happened."""
        member, points = _change(merge)
        refusal: UpstreamError | None = None
        try:
            proven = bool(await self._client.add_points(str(member), points))
        except UpstreamError as error:
            if error.applied is False:
                await self._write(merge.at(before, self._clock()))
                raise
            proven, refusal = False, error
        if proven:
            return await self._write(merge.at(after, self._clock()))
        return await self._clear_up(merge, before, after, report, refusal)

    async def _clear_up(
        self,
        merge: Merge,
        before: str,
        after: str,
        report: Report,
        refusal: UpstreamError | None = None,
    ) -> Merge:
        """Finds out from the balance what became of a change whose answer was lost.

        A `refusal` of the data came from Smaregi itself, so no request is on its way any more.
        """
        member, points = _change(merge)
        refused = refusal is not None and refusal.error_class is ErrorClass.INVALID_DATA
        patience = 0.0 if refused else self.patience
        if not refused:
            report(
                f"Whether member {member} got {points:+d} points is not known: its balance is read "
                f"until that is clear ({patience:.0f} s at most)."
            )
        until = time.monotonic() + patience
        while (balance := await self._read(member, until)) == merge.balance_before:
            if time.monotonic() >= until:
                await self._write(merge.at(before, self._clock()))
                raise (
                    refusal
                    if refusal and refused
                    else Unfinished(
                        f"Smaregi gave no clear answer, and member {member} still has {balance} "
                        "points: the change did not reach it. Run the same command again."
                    )
                )
            await asyncio.sleep(min(_PAUSE, patience / 10))
        if balance != merge.balance_before + points:
            raise UnclearBalance(
                f"member {member} had {merge.balance_before} points, {points:+d} were sent, and "
                f"now it has {balance}"
            )
        return await self._write(merge.at(after, self._clock()))

    async def _read(self, member: int, until: float) -> int:
        """The balance; passing failures are repeated for as long as we wait anyway."""
        while True:
            try:
                return await self.balance(member)
            except UpstreamError:
                if time.monotonic() >= until:
                    raise
                await asyncio.sleep(min(_PAUSE, self.patience / 10))

    async def balance(self, member: int) -> int:
        balance = await self._client.balance(str(member))
        if balance is None:
            raise UnclearBalance(f"Smaregi has no member {member} any more")
        return balance

    async def _write(self, merge: Merge) -> Merge:
        await self._db.write(lambda db: merges.write(db, merge))
        return merge


def _change(merge: Merge) -> tuple[int, int]:
    """Whose points are being changed, and by how many."""
    taking = merge.step == "taking"
    return (merge.absorbed, -merge.points) if taking else (merge.survivor, merge.points)
