"""What stands how, on one screen: for `status`, and for the first page of the console."""

import sqlite3
from collections.abc import Iterator, Mapping
from functools import cache, partial
from importlib.metadata import version
from typing import Any, Protocol

from flags import Mode
from gateway.alerts import AlertSender
from gateway.app.advice import advice
from gateway.app.config import LiveConfig
from gateway.app.identity import SHOP, Identities
from gateway.delivery import CircuitBreaker, Route
from gateway.errors import ErrorClass
from gateway.outcomes import Outcome
from gateway.points import Points
from gateway.responses.bodies import iso
from gateway.store import causes, members, removals, tally
from gateway.store.causes import Cause
from gateway.store.engine import Engine
from gateway.store.points import counts

__all__ = ["Overview", "cause_row", "state_of"]


class _Deferred(Protocol):
    @property
    def circuit(self) -> CircuitBreaker: ...


class _Reconciliation(Protocol):
    ended_at: float | None


class _Deliverer(Protocol):
    @property
    def routes(self) -> Mapping[str, Route]: ...


class OverviewParts(Protocol):
    """Whom the overview asks: what is running. `serving`: whether this process is `serve`."""

    @property
    def serving(self) -> bool: ...
    @property
    def db(self) -> Engine: ...
    @property
    def live(self) -> LiveConfig: ...
    @property
    def deliverer(self) -> _Deliverer: ...
    @property
    def deferred(self) -> _Deferred: ...
    @property
    def identities(self) -> Identities: ...
    @property
    def alerts(self) -> AlertSender: ...
    @property
    def reconciliation(self) -> _Reconciliation: ...
    @property
    def points(self) -> Points: ...


class Overview:
    def __init__(self, parts: OverviewParts) -> None:
        self._of = parts

    async def causes(self) -> list[Cause]:
        """Open deliveries by cause, the most frequent first; counted in pages."""
        found: list[Cause] = []
        after: int | None = 0
        while after is not None:
            page, after = await self._of.db.read(partial(causes.page, after=after))
            found += page
        return causes.together(found)

    async def status(self) -> dict[str, Any]:
        """Every field of `status --json`."""
        found = await self.causes()
        counted = await self._of.db.read(tally.read)
        systems = list(self._systems())
        held = await self._of.db.read(removals.held)
        points = await self._points()
        return {
            "version": _version(),
            "serving": self._of.serving,
            "database": await _database(self._of.db),
            "flags": [flag.describe() for flag in self._of.live.current.flags.flags.values()],
            "systems": systems,
            "open": [cause_row(cause) for cause in found],
            "oldest_open_at": iso(min((cause.oldest for cause in found), default=None)),
            "registrations_waiting": counted.deferred,
            "webhooks_waiting": counted.events,
            "members": await self._of.db.read(_members),
            "reconciled_at": iso(self._of.reconciliation.ended_at),
            "duplicates": counted.duplicates,
            "removals_held": held,
            "points": points,
            "alerts": [{"at": iso(at), "text": it.told()} for at, it in self._of.alerts.last],
            "needs_a_person": [*_needs(found, systems, held), *_points_need(points)],
        }

    async def _points(self) -> dict[str, Any]:
        """Points earned and spent online; `stopped` says why no more are sent."""
        moving, by_state, reserved, lacking, drifted = await self._of.db.read(counts.of_points)
        return {
            "orders": by_state,
            "reservations": reserved,
            "movements": moving,
            "lacking": lacking,
            "drift": drifted,
            "stopped": await self._of.points.proof.stopped(),
        }

    def _systems(self) -> Iterator[dict[str, Any]]:
        yield self._system(SHOP, "Shopify", Mode.ON, self._of.deferred.circuit)
        flags = self._of.live.current.flags
        for name, route in self._of.deliverer.routes.items():
            yield self._system(name, route.spec.title, flags[name].mode, route.circuit)

    def _system(self, name: str, title: str, mode: Mode, circuit: CircuitBreaker) -> dict[str, Any]:
        difference = self._of.identities.difference(name)
        state = "another" if difference else state_of(circuit, mode, serving=self._of.serving)
        paused = state == "paused"
        own = circuit.upstream_reason if paused else None
        return {
            "system": name,
            "title": title,
            "state": state,
            "since": iso(self._of.db.now() - circuit.paused_for) if paused else None,
            "error_class": circuit.cause if paused else None,
            "reason": difference.reason if difference else own,
            "mend": advice(name, Outcome.RETRYING, circuit.cause) if paused else None,
        }


def state_of(circuit: CircuitBreaker, mode: Mode, *, serving: bool) -> str:
    """on: working or paused, unknown where nobody tries; else the flag's own word."""
    if mode is not Mode.ON:
        return str(mode.value)
    if not serving:
        return "unknown"
    return "working" if circuit.cause is None else "paused"


def cause_row(cause: Cause) -> dict[str, Any]:
    """A cause as `deliveries summary --json` shows it."""
    return {
        "channel": cause.channel,
        "outcome": cause.outcome,
        "error_class": cause.error_class,
        "reason": cause.reason,
        "count": cause.count,
        "message": cause.message,
        "example_id": cause.example,
        "oldest_at": iso(cause.oldest),
        "next_attempt_at": iso(cause.next_attempt_at),
        "mend": advice(cause.channel, cause.outcome, cause.error_class),
    }


@cache
def _version() -> str:
    return version("registration-gateway")


async def _database(db: Engine) -> dict[str, Any]:
    """Where it is, what it takes, and what its disk still holds: null where that is not seen."""
    return {"path": db.place, "bytes": await db.size(), "free_bytes": await db.free()}


def _members(db: sqlite3.Connection) -> dict[str, Any]:
    """The index of Smaregi members: how many, and as of when."""
    at = members.get_meta(db, "members_refreshed_at")
    return {
        "count": members.size(db),
        "complete": members.get_meta(db, "members_complete") == "1",
        "refreshed_at": iso(float(at)) if at else None,
    }


def _needs(found: list[Cause], systems: list[dict[str, Any]], held: int) -> Iterator[str]:
    """Why somebody has to look, a sentence each."""
    for system in systems:
        if system["state"] == "another":
            yield f"{system['system']}: {system['reason']}"
        elif system["error_class"] is ErrorClass.AUTH:
            yield f"{system['system']}: its credentials are refused; put new ones into .env"
    failed = sum(cause.count for cause in found if cause.outcome is Outcome.FAILED)
    if failed:
        yield f"{failed} deliveries failed: see `deliveries summary`"
    if held:
        yield f"{held} customers seem gone and are held: see `removals list`"


def _points_need(points: Mapping[str, Any]) -> Iterator[str]:
    if points["stopped"]:
        yield f"points: {points['stopped']}"
    elif stuck := points["movements"].get("stuck"):
        yield f"{stuck} movements of points are stuck: see `points list`"
    if failed := points["orders"].get("failed"):
        yield f"{failed} orders could not be read for points: see `points list --orders failed`"
    if points["drift"]:
        yield f"{points['drift']} transactions in Smaregi differ from ours: see `points drift`"
