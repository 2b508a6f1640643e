"""The metrics' text: made now and then, and reused for all who ask in between."""

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial

from gateway.app.identity import Identities
from gateway.delivery import Route
from gateway.store import members, outbox, removals, rewinding, tally
from gateway.store.engine import Engine
from gateway.store.points import counts
from gateway.telemetry.metrics import Metrics

__all__ = ["Exposition"]


class Exposition:
    """`seconds`: how old the text may be. Prometheus asks less often than that."""

    seconds = 2.0

    def __init__(
        self,
        db: Engine,
        routes: Mapping[str, Route],
        metrics: Metrics,
        identities: Identities,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._routes = routes
        self._metrics = metrics
        self._identities = identities
        self._clock = clock
        self._text = b""
        self._fresh_until = 0.0
        self._making = asyncio.Lock()

    async def text(self) -> bytes:
        async with self._making:
            if self._clock() >= self._fresh_until or not self._text:
                self._text = await self._make()
                self._fresh_until = self._clock() + self.seconds
            return self._text

    async def _make(self) -> bytes:
        found = await self._db.read(tally.read)
        routes, metrics = self._routes, self._metrics
        metrics.set_outbox(
            routes, found.deliveries, (found.intents, self._age(found.intents_since))
        )
        metrics.set_events(found.events, self._age(found.events_since))
        metrics.set_duplicates(found.duplicates)
        metrics.registrations_waiting.set(found.deferred)
        metrics.set_removals(await self._db.read(removals.held))
        metrics.set_points(*await self._db.read(counts.of_points))
        for system in self._identities.sources:
            metrics.set_identity(system, differs=self._identities.difference(system) is not None)
        now = self._db.now()
        for name, route in routes.items():
            metrics.set_paused(name, paused=route.circuit.cause is not None)
            since = await self._db.read(partial(outbox.due_since, channel=name, now=now))
            metrics.set_overdue(name, self._age(since))
        read = await self._db.read(lambda db: members.get_meta(db, "members_refreshed_at"))
        metrics.set_members(float(read or 0))
        metrics.set_rewound(await self._db.read(rewinding.rewound_at))
        metrics.set_space(await self._db.size(), await self._db.free())
        return metrics.text()

    def _age(self, since: float | None) -> float:
        """Seconds; 0 where there is none."""
        return max(0.0, self._db.now() - since) if since else 0.0
