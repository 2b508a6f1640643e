"""One run: the load under kills and bad weather, the calm after it, and the verdict."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import aiohttp

from gateway.sandbox import Sandbox
from tests.crash.calm import Calm
from tests.crash.commands import Commands
from tests.crash.fleet.fleet import Fleet
from tests.crash.held import Verdict
from tests.crash.judge import judge, links_astray, open_intents
from tests.crash.lives import Lives
from tests.crash.people import MARKS, Person, people
from tests.crash.points import Purses, judge_points
from tests.crash.stage import Servers
from tests.crash.stand_ins import options
from tests.crash.storefront import Storefront
from tests.crash.till import Till
from tests.crash.victim import Victim
from tests.crash.weather import Weather

__all__ = ["Plan", "trial"]

_LIVES_AT_ONCE = 48
_PATIENCE = 20.0
"""Seconds that a strike waits for the load to go on."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`calm` is how many seconds everything may take to be delivered once the weather is fine;
    after `by_hand` seconds of it a person replays what still waits for an open circuit.
    `command_every`: seconds between two commands beside `serve`, on average. `gateways`: one is on
    SQLite and is killed so many times; more are on PostgreSQL, and meet so many hardships. People
    come over so many `seconds`.
    """

    registrations: int
    kills: int
    seed: int
    concurrency: int = 24
    calm: float = 120.0
    by_hand: float = 90.0
    command_every: float = 4.0
    gateways: int = 1
    seconds: float = 0.0


@dataclass(slots=True)
class _Scene:
    plan: Plan
    everybody: list[Person]
    sandbox: Sandbox
    till: Till
    servers: Servers
    commands: Commands
    storefront: Storefront
    lives: Lives
    session: aiohttp.ClientSession
    tell: Callable[[str], None]

    def verdict(self) -> Verdict:
        told, lives = self.storefront.told, self.lives.by_number
        verdict = judge(self.sandbox, self.everybody, told, lives)
        shop = self.lives.shop
        purses = Purses(self.till, shop.asked, shop.members, self.lives.one_with())
        with self.servers.books() as db:
            judge_points(self.sandbox, db, purses, verdict)
        for line in shop.wrong:
            verdict.blame("turned away", line)
        return verdict

    def dice(self, name: str) -> Random:
        return Random(f"{self.plan.seed} {name}")


async def trial(plan: Plan, folder: Path, tell: Callable[[str], None]) -> Verdict:
    """The verdict; `tell` gets a line of progress each few seconds."""
    began = time.monotonic()
    async with _scene(plan, folder, tell) as scene:
        weather = await _storm(scene)
        fine_since = time.monotonic()
        calm = Calm(
            scene.session, lambda: scene.servers.url, scene.verdict, tell, by_hand=plan.by_hand
        )
        await scene.commands.merge_the_rest()
        early = await calm.last(plan.calm, fine_since)
        await _come_back(scene)
        late = await calm.last(plan.calm, fine_since)
        code = await scene.servers.stop()
        verdict = scene.verdict()
        verdict.wrong += [line for line in early.wrong + late.wrong if line not in verdict.wrong]
        _look_at_home(scene, folder, code, verdict)
        _count(scene, weather, verdict)
        verdict.counts["seconds"] = round(time.monotonic() - began)
    return verdict


@asynccontextmanager
async def _scene(plan: Plan, folder: Path, tell: Callable[[str], None]) -> AsyncIterator[_Scene]:
    everybody = people(plan.registrations, Random(f"{plan.seed} people"))
    async with Sandbox(options(plan.seed)) as sandbox, aiohttp.ClientSession() as session:
        till = Till(sandbox, everybody)
        servers = await _servers(plan, sandbox, folder, tell)
        storefront = Storefront(session, lambda: servers.url, Random(f"{plan.seed} waits"))
        lives = Lives(sandbox, storefront, till, plan.seed)
        dice = Random(f"{plan.seed} commands")
        commands = Commands(servers.shells, servers.excuses, lambda: till.twins, dice)
        storefront.comes, storefront.goes = till.comes, lives.begin
        try:
            await servers.start()
            yield _Scene(
                plan, everybody, sandbox, till, servers, commands, storefront, lives, session, tell
            )
        finally:
            await servers.close()


async def _servers(
    plan: Plan, sandbox: Sandbox, folder: Path, tell: Callable[[str], None]
) -> Servers:
    if plan.gateways == 1:
        return Victim.beside(sandbox, folder, plan.seed)
    return await Fleet.beside(sandbox, folder, plan.seed, plan.gateways, tell)


async def _storm(scene: _Scene) -> Weather:
    """Everybody signs up and lives on, while the upstreams fail and the gateway dies."""
    plan, storefront = scene.plan, scene.storefront
    weather = Weather(scene.sandbox, scene.servers.around, scene.till.touch_crowd, plan.seed)
    beside = [
        asyncio.create_task(_report(scene)),
        asyncio.create_task(scene.commands.come_and_go(plan.command_every)),
    ]
    weather.start()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_serve(scene))
            group.create_task(scene.lives.run(_LIVES_AT_ONCE))
            group.create_task(_strike(scene))
    finally:
        for task in beside:
            task.cancel()
        await weather.stop()
        ended = await asyncio.gather(*beside, return_exceptions=True)
    for each in ended:
        if isinstance(each, Exception):
            raise each
    scene.tell(f"the weather is fine again after {weather.counts}; answers {storefront.counts}")
    return weather


async def _serve(scene: _Scene) -> None:
    plan = scene.plan
    await scene.storefront.serve(scene.everybody, plan.concurrency, plan.seconds)
    scene.lives.end(_LIVES_AT_ONCE)


async def _strike(scene: _Scene) -> None:
    """So often, spread over the load."""
    dice, kills = scene.dice("strikes"), scene.plan.kills
    for number in range(1, kills + 1):
        limit, share = time.monotonic() + _PATIENCE, number / (kills + 1)
        while scene.storefront.done < share * len(scene.everybody) and time.monotonic() < limit:
            await asyncio.sleep(0.02)
        await asyncio.sleep(dice.uniform(0.0, 0.4))
        await scene.servers.strike()


async def _report(scene: _Scene) -> None:
    while True:
        await asyncio.sleep(5)
        scene.tell(
            f"{scene.storefront.done} of {len(scene.everybody)} done, "
            f"{scene.servers.counts['kills']} kills, {len(scene.sandbox.shopify.customers)} "
            f"customers, {len(scene.sandbox.hubspot.contacts)} contacts, "
            f"{scene.sandbox.mail.count()} mails, {sum(scene.lives.counts.values())} events"
        )


async def _come_back(scene: _Scene) -> None:
    """Those who went away without success sign up again, so that no intent has to wait."""
    told = scene.storefront.told
    heard = {number for number, each in told.items() if each.answers or each.overtaken}
    away = [p for p in scene.everybody if p.number not in heard]
    scene.tell(f"{len(away)} went away without success, and sign up again")
    slots = asyncio.Semaphore(scene.plan.concurrency)

    async def again(person: Person) -> None:
        async with slots:
            life = scene.lives.by_number.get(person.number)
            if life is not None and life.returned:  # the key's answer is of who was deleted
                await scene.storefront.return_to(person)
            else:
                await scene.storefront.visit(person, 200)

    await asyncio.gather(*(again(person) for person in away))


def _look_at_home(scene: _Scene, folder: Path, code: int, verdict: Verdict) -> None:
    """The gateways' own files, after they have ended: no intent, nobody's data, no stumble."""
    if code != 0:
        verdict.blame("bad exits", f"SIGTERM ended in {code}")
    with scene.servers.books() as db:
        if count := open_intents(db):
            verdict.blame("intents left", str(count))
        for astray in links_astray(db, scene.sandbox):
            verdict.blame("links astray", astray)
    scene.servers.judge(verdict)
    verdict.counts["bad exits"] += len(scene.commands.wrong)
    verdict.wrong += scene.commands.wrong
    for log in sorted(folder.glob("*-said/*.err")):
        said, name = log.read_bytes(), str(log.relative_to(folder))
        if any(mark in said for mark in MARKS):
            verdict.blame("plain text in the log", name)
        if b"Traceback" in said:
            verdict.blame("tracebacks in the log", name)
    told = scene.storefront.told.values()
    verdict.counts["never answered 201"] = sum(not (t.answers or t.overtaken) for t in told)
    if verdict.counts["never answered 201"]:
        verdict.wrong.append("somebody could not sign up even in fine weather")


def _count(scene: _Scene, weather: Weather, verdict: Verdict) -> None:
    """What happened in the run, for the table."""
    counts = verdict.counts
    counts.update(scene.servers.counts)
    counts.update(scene.lives.counts)
    counts["commands"] = sum(scene.commands.counts.values())
    counts["spells of bad weather"] = sum(weather.counts.values())
    for kind in ("full disk", "clock jump", "flags", "crowd"):
        if kind in weather.counts:
            counts[f"of these {kind}"] = weather.counts[kind]
    counts["registrations"] = len(scene.everybody)
