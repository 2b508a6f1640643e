"""Asks the systems, without the gateway's own database: `check`, and `webhooks install`.

`check` asks each something harmless; the dry-run guard refuses any write.
"""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path

from flags import Mode
from gateway.app.config import LiveConfig
from gateway.app.database_checks import check_database, check_files, seen_from_outside
from gateway.app.hints import mend
from gateway.app.identity import SHOP
from gateway.app.wiring import Core
from gateway.channels import ROSTER, Check
from gateway.channels.smaregi import SmaregiSettings
from gateway.errors import CommandRefused, ConfigurationError, UpstreamError, plain
from gateway.outcomes import Identity
from gateway.points import EARN, ORDER_TOPICS, SPEND
from gateway.shopify import Subscribed
from gateway.store import Database, Engine, Keys, identities
from gateway.store.guard import Guard
from gateway.sync.webhooks import SUBSCRIBED
from gateway.telemetry.metrics import Metrics
from gateway.wire import Call, UpstreamAnswer, Wire, dry_run
from gateway.wire.session import Admit

__all__ = ["install_webhooks", "run_checks", "wanted_topics"]

_CLOCKS = 60.0
"""Seconds by which this machine's clock may differ from the systems'."""


async def run_checks(live: LiveConfig, clock: Callable[[], float] = time.time) -> list[Check]:
    """One line a system that is in use; nothing is changed, in the gateway's files neither."""
    dry_run.set(True)
    ahead: list[float] = []
    make_wire = partial(_Clocked, lambda: live.policy.timeout, clock, ahead)
    outside = seen_from_outside(live)
    guard = await asyncio.to_thread(outside.guard)
    async with _core(live, make_wire, guard) as core:
        found = await _checks(core, guard)
        database = await check_database(core, outside, look_around=found[0].ok)
        own = [database, *check_files(live)]
    return [*own, *_clock(ahead), *found]


class _Clocked(Wire):
    """Notes in `ahead` by how many seconds this machine's clock is before those that answer."""

    def __init__(
        self,
        timeout: Callable[[], float],
        clock: Callable[[], float],
        ahead: list[float],
        admit: Admit,
    ) -> None:
        super().__init__(timeout, None, admit)
        self._clock = clock
        self._ahead = ahead

    async def send(self, call: Call) -> UpstreamAnswer:
        answer = await super().send(call)
        with suppress(ValueError, TypeError, OverflowError):
            said = parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
            self._ahead.append(self._clock() - said)
        return answer


@asynccontextmanager
async def _core(
    live: LiveConfig, make_wire: Callable[[Admit], Wire], guard: Guard
) -> AsyncIterator[Core]:
    """On a database of its own that is thrown away; `guard`: of the gateway's own."""
    with tempfile.TemporaryDirectory() as folder:
        db = Database(Path(folder) / "check.db")
        await db.open()
        try:
            await _take_pins(guard.pinned, db)
            core = Core(live, db, Keys("only for this check"), Metrics(), make_wire)
            async with core.wire:
                yield core
                for route in core.deliverer.routes.values():
                    await route.channel.close()
        finally:
            await db.close()


async def _take_pins(pinned: Mapping[str, Identity], db: Engine) -> None:
    """The identities until now, from the gateway's own database."""
    now = time.time()

    def unit(connection: sqlite3.Connection) -> None:
        for system, identity in pinned.items():
            identities.pin(connection, system, identity, now)

    await db.write(unit)


async def install_webhooks(live: LiveConfig) -> list[Subscribed]:
    """Every topic that the gateway wants, and what became of it."""
    address = _address(live)
    if address is None or live.current.shopify.webhook_secret is None:
        raise ConfigurationError(_lacking(live))
    make_wire = partial(Wire, lambda: live.policy.timeout, None)
    guard = await asyncio.to_thread(seen_from_outside(live).guard)
    async with _core(live, make_wire, guard) as core:
        for difference in await core.identities.compare_all([SHOP]):
            raise CommandRefused(f"Nothing was done: {difference.reason}.")
        try:
            return await core.subscriptions.install(address, [*wanted_topics(live)])
        except UpstreamError as error:
            detail = mend(error, live.current)
            return [Subscribed(topic, "failed", detail) for topic in wanted_topics(live)]


def wanted_topics(live: LiveConfig) -> dict[str, str]:
    """`WebhookSubscriptionTopic` -> the header's word; those of orders where these may earn or use
    points.
    """
    is_off = all(live.current.flags[each].mode is Mode.OFF for each in (EARN, SPEND))
    return {**SUBSCRIBED, **({} if is_off else ORDER_TOPICS)}


def _address(live: LiveConfig) -> str | None:
    url = live.current.gateway.gateway_public_url
    return f"{url}/webhooks/shopify" if url else None


def _lacking(live: LiveConfig) -> list[str]:
    config, problems = live.current, []
    if config.gateway.gateway_public_url is None:
        problems.append("GATEWAY_PUBLIC_URL: is not set; it should hold this gateway's address")
    if config.shopify.webhook_secret is None:
        problems.append("SHOPIFY_WEBHOOK_SECRET: is not set; it should hold the client secret")
    return problems


def _clock(ahead: list[float]) -> Iterator[Check]:
    """If even the smallest difference is too large, our own clock is wrong."""
    least = min(ahead, key=abs, default=0.0)
    if abs(least) > _CLOCKS:
        where = "ahead of" if least > 0 else "behind"
        hours, minutes = divmod(round(abs(least) / 60), 60)
        detail = (
            f"this machine's clock is {hours} h {minutes} min {where} the systems' (the Date of "
            "their answers): set it, and keep it set by NTP"
        )
        yield Check("Clock", ok=False, detail=detail)


async def _checks(core: Core, guard: Guard) -> list[Check]:
    found = [await _shopify(core)]
    if found[0].ok:
        found += await _guarded(core, "Webhooks", _webhooks(core))
    found += _removals(guard)
    for spec in ROSTER:
        channel = core.deliverer.routes[spec.name].channel
        if core.live.current.flags[spec.name].mode is Mode.OFF:
            found.append(Check(spec.title, ok=True, detail="its flag is off: not asked"))
            continue
        found += await _guarded(core, spec.title, channel.check())
    if not core.points.is_off:
        found += await _guarded(core, "Points", core.points.check())
    return found


async def _shopify(core: Core) -> Check:
    try:
        name, lacking = await core.shopify.check()
    except UpstreamError as error:
        return Check("Shopify", ok=False, detail=mend(error, core.live.current))
    if lacking:
        return Check("Shopify", ok=False, detail=f"grant the app {', '.join(lacking)}")
    return Check("Shopify", ok=True, detail=f"shop {plain(name)}: token and scopes are right")


def _removals(guard: Guard) -> list[Check]:
    if not guard.held:
        return []
    text = f"{guard.held} customers seem gone from Shopify, which is too many: see `removals list`"
    return [Check("Removals", ok=False, detail=text)]


async def _webhooks(core: Core) -> Sequence[Check]:
    """Asked for only where GATEWAY_PUBLIC_URL says that they are wanted."""
    address = _address(core.live)
    if address is None:
        detail = "GATEWAY_PUBLIC_URL is not set: changes made elsewhere arrive within the hour only"
        return [Check("Webhooks", ok=True, detail=detail)]
    lacking = _lacking(core.live)
    smaregi = core.live.current.sections["smaregi"]
    if isinstance(smaregi, SmaregiSettings) and smaregi.smaregi_webhook_secret is None:
        lacking.append("SMAREGI_WEBHOOK_SECRET: is not set; Smaregi's webhooks are refused")
    if lacking:
        return [Check("Webhooks", ok=False, detail="; ".join(lacking))]
    topics = wanted_topics(core.live)
    looked = await core.subscriptions.look(address, [*topics])
    missing = [topics[each.topic] for each in looked if each.state == "missing"]
    detail = "Shopify sends every topic"
    if missing:
        detail = f"run `webhooks install`: Shopify does not send {', '.join(missing)}"
    return [Check("Webhooks", ok=not missing, detail=detail)]


async def _guarded(core: Core, title: str, check: Awaitable[Sequence[Check]]) -> Sequence[Check]:
    try:
        return await check
    except UpstreamError as error:
        return [Check(title, ok=False, detail=mend(error, core.live.current))]
