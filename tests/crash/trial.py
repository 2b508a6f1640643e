"""One run: the load under kills and bad weather, the calm after it, and the verdict."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import aiohttp

from gateway.sandbox import (
    HubspotOptions,
    MailOptions,
    Sandbox,
    SandboxOptions,
    ShopifyOptions,
    SmaregiOptions,
)
from tests.cli.process import Shell
from tests.crash.judge import Verdict, judge, open_intents
from tests.crash.people import MARKS, Person, people, settle_in
from tests.crash.storefront import Storefront
from tests.crash.victim import Victim
from tests.crash.weather import Weather
from tests.world import OPERATOR

__all__ = ["Plan", "trial"]

_SETTINGS = {
    "GATEWAY_AUTO_REPLAY": "true",
    "GATEWAY_RETRY_SCHEDULE": "0.2,0.5,1,1,2,2,4,4,8,8",
    "GATEWAY_UPSTREAM_TIMEOUT": "1.5",
    "GATEWAY_RESPONSE_DEADLINE": "3",
    "GATEWAY_RATE_LIMIT": "100000",
    "GATEWAY_OPERATOR_KEYS": OPERATOR["Authorization"].split()[1],
    "SMAREGI_READS_PER_SECOND": "1000",
    "SMAREGI_WRITES_PER_SECOND": "1000",
}
_LATEST = 5.5
"""Seconds after which no late request is on its way any more."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`calm` is how many seconds everything may take to be delivered once the weather is fine;
    after `by_hand` seconds of it a person replays what still waits for an open circuit.
    """

    registrations: int
    kills: int
    seed: int
    concurrency: int = 24
    calm: float = 120.0
    by_hand: float = 90.0


@dataclass(slots=True)
class _Scene:
    plan: Plan
    everybody: list[Person]
    sandbox: Sandbox
    victim: Victim
    storefront: Storefront
    session: aiohttp.ClientSession
    tell: Callable[[str], None]
    fine_since: float = 0.0

    def verdict(self) -> Verdict:
        return judge(self.sandbox, self.everybody, self.storefront.told)


def _options(seed: int) -> SandboxOptions:
    return SandboxOptions(
        seed=seed,
        shopify=ShopifyOptions(bucket=1e7, restore=1e6),
        smaregi=SmaregiOptions(reads_per_second=None, writes_per_second=None),
        hubspot=HubspotOptions(per_ten_seconds=1_000_000),
        mail=MailOptions(keep=1_000_000),
    )


async def trial(plan: Plan, folder: Path, tell: Callable[[str], None]) -> Verdict:
    """The verdict; `tell` gets a line of progress each few seconds."""
    began = time.monotonic()
    home = folder / "gateway"
    home.mkdir()
    async with _scene(plan, home, tell) as scene:
        weather = await _storm(scene)
        early = await _calm(scene)
        await _come_back(scene)
        late = await _calm(scene)
        code = await scene.victim.stop()
        verdict = scene.verdict()
        verdict.wrong += [line for line in early.wrong + late.wrong if line not in verdict.wrong]
        _look_at_home(scene, home, code, verdict)
        verdict.counts.update(scene.victim.counts)
        verdict.counts["spells of bad weather"] = sum(weather.counts.values())
        verdict.counts["registrations"] = len(scene.everybody)
        verdict.counts["seconds"] = round(time.monotonic() - began)
    return verdict


@asynccontextmanager
async def _scene(plan: Plan, home: Path, tell: Callable[[str], None]) -> AsyncIterator[_Scene]:
    everybody = people(plan.registrations, Random(f"{plan.seed} people"))
    async with Sandbox(_options(plan.seed)) as sandbox, aiohttp.ClientSession() as session:
        settle_in(sandbox, everybody)
        shell = Shell.beside(sandbox, home, **_SETTINGS)
        victim = Victim(shell, home / "gateway.db", Random(f"{plan.seed} kills"))
        storefront = Storefront(session, lambda: victim.url, Random(f"{plan.seed} waits"))
        try:
            await victim.start()
            yield _Scene(plan, everybody, sandbox, victim, storefront, session, tell)
        finally:
            await victim.close()


async def _storm(scene: _Scene) -> Weather:
    """Everybody signs up, while the upstreams fail and the gateway dies."""
    plan, storefront = scene.plan, scene.storefront
    weather = Weather(scene.sandbox, plan.seed)
    reporter = asyncio.create_task(_report(scene))
    weather.start()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(storefront.serve(scene.everybody, plan.concurrency))
            group.create_task(
                scene.victim.kill_at(
                    plan.kills, lambda: storefront.done / len(scene.everybody), patience=20.0
                )
            )
    finally:
        await weather.stop()
        scene.fine_since = time.monotonic()
        reporter.cancel()
        await asyncio.gather(reporter, return_exceptions=True)
    scene.tell(f"the weather is fine again after {weather.counts}; answers {storefront.counts}")
    return weather


async def _report(scene: _Scene) -> None:
    while True:
        await asyncio.sleep(5)
        scene.tell(
            f"{scene.storefront.done} of {len(scene.everybody)} done, "
            f"{scene.victim.counts['kills']} kills, {len(scene.sandbox.shopify.customers)} "
            f"customers, {len(scene.sandbox.hubspot.contacts)} contacts, "
            f"{scene.sandbox.mail.count()} mails"
        )


async def _calm(scene: _Scene) -> Verdict:
    """Until nothing is owed any more, and no late request can come; bounded."""
    began = time.monotonic()
    waited, owed, handed = 0.0, Counter[str](), False
    while waited < scene.plan.calm:
        await asyncio.sleep(0.5)
        waited = time.monotonic() - began
        owed = await _owed(scene)
        if any(text.startswith("failed") for text in owed):
            await _replay(scene, {"outcome": "failed"})
        elif not owed and _is_over(scene):
            break
        elif waited > scene.plan.by_hand and not handed:
            scene.tell(f"replayed by hand: {dict(owed)}")
            await _replay(scene, {})
            handed = True
    scene.tell(f"after {waited:.1f} seconds of fine weather these are owed: {dict(owed)}")
    return scene.verdict()


def _is_over(scene: _Scene) -> bool:
    late = time.monotonic() - scene.fine_since < _LATEST
    return not late and not scene.verdict().counts["undelivered"]


async def _come_back(scene: _Scene) -> None:
    """Those who went away without success sign up again, so that no intent has to wait."""
    told = scene.storefront.told
    away = [p for p in scene.everybody if not told[p.number].answers]
    scene.tell(f"{len(away)} went away without success, and sign up again")
    slots = asyncio.Semaphore(scene.plan.concurrency)

    async def again(person: Person) -> None:
        async with slots:
            await scene.storefront.visit(person, 60)

    await asyncio.gather(*(again(person) for person in away))


async def _owed(scene: _Scene) -> Counter[str]:
    """What waits, by outcome, channel and error class; of the newest 1000."""
    query = {"outcome": "pending,retrying,failed", "limit": "1000"}
    async with scene.session.get(
        f"{scene.victim.url}/v1/deliveries", params=query, headers=OPERATOR
    ) as response:
        assert response.status == 200, await response.text()
        rows = (await response.json())["deliveries"]
    return Counter(f"{row['outcome']} {row['channel']} {row['error_class']}" for row in rows)


async def _replay(scene: _Scene, chosen: dict[str, str]) -> None:
    path = f"{scene.victim.url}/v1/deliveries/replay"
    async with scene.session.post(path, json=chosen, headers=OPERATOR) as response:
        assert response.status == 202, await response.text()


def _look_at_home(scene: _Scene, home: Path, code: int, verdict: Verdict) -> None:
    """The gateway's own files, after it has ended: no intent, nobody's data, no stumble."""
    if code != 0:
        verdict.blame("bad exits", f"SIGTERM ended in {code}")
    if count := open_intents(home / "gateway.db"):
        verdict.blame("intents left", str(count))
    if surprises := scene.victim.counts["ended by itself"]:
        verdict.blame("bad exits", f"the gateway ended by itself {surprises} times")
    for name in sorted(scene.victim.leaks):
        verdict.blame("plain text in the database", name)
    for log in sorted(home.with_name(f"{home.name}-said").iterdir()):
        said = log.read_bytes()
        if any(mark in said for mark in MARKS):
            verdict.blame("plain text in the log", log.name)
        if b"Traceback" in said:
            verdict.blame("tracebacks in the log", log.name)
    told = scene.storefront.told.values()
    verdict.counts["never answered 201"] = sum(not each.answers for each in told)
    if verdict.counts["never answered 201"]:
        verdict.wrong.append("somebody could not sign up even in fine weather")
