"""`shop accept`: the shop, Smaregi contract or HubSpot account is another one, on purpose.

What was known of the old one is forgotten here, so that no record of the new one is changed by it.
Nothing is changed in the systems themselves.
"""

import sqlite3
from collections.abc import Callable, Mapping

from gateway import frozen
from gateway.app.identity import SHOP, Identities
from gateway.delivery import Route
from gateway.errors import CommandRefused, UpstreamError
from gateway.outcomes import Identity
from gateway.store import Engine, identities
from gateway.store.points import movements, reservations

__all__ = ["ComparedSystem", "ShopAcceptance"]


@frozen
class ComparedSystem:
    """A system as `shop accept` shows it. `state`: same, another, new (nothing was written down),
    silent (it does not say), unknown (it cannot be asked; `error`). `forgets`: what is forgotten of
    the old one, in words.
    """

    system: str
    title: str
    state: str
    before: Identity | None
    now: Identity | None = None
    error: str | None = None
    forgets: str = ""


class ShopAcceptance:
    """`accepted()` is called once another one counts."""

    def __init__(
        self,
        db: Engine,
        known: Identities,
        routes: Mapping[str, Route],
        *,
        used: Callable[[], list[str]],
        accepted: Callable[[], None],
    ) -> None:
        self._db = db
        self._known = known
        self._routes = routes
        self._used = used
        self._accepted = accepted

    async def look(self) -> list[ComparedSystem]:
        """Each system in use, asked now."""
        return [await self._compared(system) for system in self._used()]

    async def _compared(self, system: str) -> ComparedSystem:
        source = self._known.sources[system]
        before = await self._db.read(lambda db: identities.get(db, system))
        try:
            now = await source.ask()
        except UpstreamError as error:
            return ComparedSystem(system, source.title, "unknown", before, error=str(error))
        if now is None:
            return ComparedSystem(system, source.title, "silent", before)
        if before is None:
            return ComparedSystem(system, source.title, "new", before, now)
        state = "another" if now.differs(before) else "same"
        return ComparedSystem(system, source.title, state, before, now, forgets=source.forgets)

    async def accept(self, agreed: Mapping[str, str]) -> list[str]:
        """`agreed`: system -> the identity, as text, that a person has seen. Refused if it is yet
        another one by now. Returns the systems whose identity was accepted.
        """
        others = {one.system: one for one in await self.look() if one.state == "another"}
        for system, text in agreed.items():
            if system not in others or str(others[system].now) != text:
                raise CommandRefused(
                    f"{system}: it is not {text} any more; run `shop accept` again."
                )
        wanted = [others[system] for system in agreed]
        now = self._db.now()
        await self._db.write(lambda db: _take_over(db, wanted, now))
        self._known.forget()
        for one in wanted:
            route = self._routes.get(one.system)
            if route is not None and route.spec.moved is not None:
                await route.spec.moved(route.channel)
        self._accepted()
        return [one.system for one in wanted]


def _take_over(db: sqlite3.Connection, wanted: list[ComparedSystem], now: float) -> None:
    """Everything or nothing. The points of a merge that has begun must not be lost."""
    if any(one.system in {SHOP, "smaregi"} for one in wanted) and identities.merges_open(db):
        raise CommandRefused(
            "A merge of two store members has begun and not ended: put the old settings back and "
            "run `duplicates merge` once more, then `shop accept`."
        )
    moving = movements.counts(db) or reservations.are_open(db)
    if any(one.system in {SHOP, "smaregi"} for one in wanted) and moving:
        raise CommandRefused(
            "Points are still on their way, stuck, or kept for a discount code: put the old "
            "settings back until `points list` and `points list --reservations` show none that is "
            "open, then `shop accept`."
        )
    for one in wanted:
        assert one.now is not None  # noqa: S101 - it is another one
        if one.system == SHOP:
            identities.forget_shop(db, now)
        else:
            identities.forget_channel(db, one.system, now)
        if one.system == "smaregi":
            identities.forget_members(db, now)
        identities.pin(db, one.system, one.now, now)
