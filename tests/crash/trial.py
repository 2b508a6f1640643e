"""One run: the load under kills and bad weather, the calm after it, and the verdict."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import aiohttp

from gateway.sandbox import Sandbox, first_free
from tests.cli.process import Shell
from tests.crash.calm import Calm
from tests.crash.commands import Commands
from tests.crash.hardship import VARIABLE, Hardship
from tests.crash.held import Verdict
from tests.crash.judge import judge, links_astray, open_intents
from tests.crash.lives import Lives
from tests.crash.people import MARKS, Person, people
from tests.crash.points import Purses, judge_points
from tests.crash.stand_ins import options, subscribe
from tests.crash.storefront import Storefront
from tests.crash.till import Till
from tests.crash.victim import Victim
from tests.crash.weather import FLAGS, Surroundings, Weather
from tests.world import ALL_ON, OPERATOR

__all__ = ["Plan", "trial"]

_ROOT = Path(__file__).parents[2]
_SETTINGS = {
    "GATEWAY_AUTO_REPLAY": "true",
    "GATEWAY_RETRY_SCHEDULE": "0.2,0.5,1,1,2,2,4,4,8,8",
    "GATEWAY_UPSTREAM_TIMEOUT": "1.5",
    "GATEWAY_RESPONSE_DEADLINE": "3",
    "GATEWAY_RATE_LIMIT": "100000",
    "GATEWAY_OPERATOR_KEYS": OPERATOR["Authorization"].split()[1],
    "SMAREGI_READS_PER_SECOND": "1000",
    "SMAREGI_WRITES_PER_SECOND": "1000",
    "SMAREGI_SYNC_CHANGES": "true",
    "POINTS_STORE_ID": "1",
    "POINTS_RESERVATION_MINUTES": "5",
    "PYTHONPATH": str(_ROOT),
}
_LIVES_AT_ONCE = 48


@dataclass(frozen=True, slots=True)
class Plan:
    """`calm` is how many seconds everything may take to be delivered once the weather is fine;
    after `by_hand` seconds of it a person replays what still waits for an open circuit.
    `command_every`: seconds between two commands beside `serve`, on average.
    """

    registrations: int
    kills: int
    seed: int
    concurrency: int = 24
    calm: float = 120.0
    by_hand: float = 90.0
    command_every: float = 4.0


@dataclass(slots=True)
class _Scene:
    plan: Plan
    everybody: list[Person]
    sandbox: Sandbox
    till: Till
    victim: Victim
    around: Surroundings
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
        judge_points(self.sandbox, self.victim.database, purses, verdict)
        for line in shop.wrong:
            verdict.blame("turned away", line)
        return verdict

    def dice(self, name: str) -> Random:
        return Random(f"{self.plan.seed} {name}")


async def trial(plan: Plan, folder: Path, tell: Callable[[str], None]) -> Verdict:
    """The verdict; `tell` gets a line of progress each few seconds."""
    began = time.monotonic()
    home = folder / "gateway"
    home.mkdir()
    async with _scene(plan, home, tell) as scene:
        weather = await _storm(scene)
        fine_since = time.monotonic()
        calm = Calm(
            scene.session, lambda: scene.victim.url, scene.verdict, tell, by_hand=plan.by_hand
        )
        await scene.commands.merge_the_rest()
        early = await calm.last(plan.calm, fine_since)
        await _come_back(scene)
        late = await calm.last(plan.calm, fine_since)
        code = await scene.victim.stop()
        verdict = scene.verdict()
        verdict.wrong += [line for line in early.wrong + late.wrong if line not in verdict.wrong]
        _look_at_home(scene, home, code, verdict)
        _count(scene, weather, verdict)
        verdict.counts["seconds"] = round(time.monotonic() - began)
    return verdict


@asynccontextmanager
async def _scene(plan: Plan, home: Path, tell: Callable[[str], None]) -> AsyncIterator[_Scene]:
    everybody = people(plan.registrations, Random(f"{plan.seed} people"))
    async with Sandbox(options(plan.seed)) as sandbox, aiohttp.ClientSession() as session:
        till = Till(sandbox, everybody)
        shell, hardship = _shell(sandbox, home)
        victim = Victim(shell, home / "gateway.db", hardship, Random(f"{plan.seed} kills"))
        storefront = Storefront(session, lambda: victim.url, Random(f"{plan.seed} waits"))
        lives = Lives(sandbox, storefront, till, plan.seed)
        commands = Commands(shell, hardship, lambda: till.twins, Random(f"{plan.seed} commands"))
        storefront.comes, storefront.goes = till.comes, lives.begin

        def write_flags(changes: Mapping[str, str]) -> None:
            shell.write_env(**{**dict.fromkeys(FLAGS, "on"), **changes})
            victim.reload()

        around = Surroundings(hardship, write_flags)
        try:
            await victim.start()
            yield _Scene(
                plan,
                everybody,
                sandbox,
                till,
                victim,
                around,
                commands,
                storefront,
                lives,
                session,
                tell,
            )
        finally:
            await victim.close()


def _shell(sandbox: Sandbox, home: Path) -> tuple[Shell, Hardship]:
    """On one port for all starts, where both vendors' webhooks go."""
    file = home.with_name("hardship")
    hardship = Hardship.new(file)
    port = first_free("127.0.0.1", Random(str(home)).randrange(20_000, 30_000))
    settings = {**_SETTINGS, VARIABLE: str(file), "GATEWAY_PORT": str(port)}
    shell = Shell.beside(sandbox, home, **settings)
    shell.program = ("-m", "tests.crash.hampered")
    for name in ALL_ON:  # they are in `.env`, which may change
        del shell.settings[name]
    shell.write_env(**dict.fromkeys(FLAGS, "on"))
    subscribe(sandbox, f"http://127.0.0.1:{port}/webhooks")
    return shell, hardship


async def _storm(scene: _Scene) -> Weather:
    """Everybody signs up and lives on, while the upstreams fail and the gateway dies."""
    plan, storefront = scene.plan, scene.storefront
    weather = Weather(scene.sandbox, scene.around, scene.till.touch_crowd, plan.seed)
    beside = [
        asyncio.create_task(_report(scene)),
        asyncio.create_task(scene.commands.come_and_go(plan.command_every)),
    ]
    weather.start()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_serve(scene))
            group.create_task(scene.lives.run(_LIVES_AT_ONCE))
            group.create_task(
                scene.victim.kill_at(
                    plan.kills, lambda: storefront.done / len(scene.everybody), patience=20.0
                )
            )
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
    await scene.storefront.serve(scene.everybody, scene.plan.concurrency)
    scene.lives.end(_LIVES_AT_ONCE)


async def _report(scene: _Scene) -> None:
    while True:
        await asyncio.sleep(5)
        scene.tell(
            f"{scene.storefront.done} of {len(scene.everybody)} done, "
            f"{scene.victim.counts['kills']} kills, {len(scene.sandbox.shopify.customers)} "
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


def _look_at_home(scene: _Scene, home: Path, code: int, verdict: Verdict) -> None:
    """The gateway's own files, after it has ended: no intent, nobody's data, no stumble."""
    database = home / "gateway.db"
    if code != 0:
        verdict.blame("bad exits", f"SIGTERM ended in {code}")
    if count := open_intents(database):
        verdict.blame("intents left", str(count))
    for astray in links_astray(database, scene.sandbox):
        verdict.blame("links astray", astray)
    if surprises := scene.victim.counts["ended by itself"]:
        verdict.blame("bad exits", f"the gateway ended by itself {surprises} times")
    verdict.counts["bad exits"] += len(scene.commands.wrong)
    verdict.wrong += scene.commands.wrong
    for name in sorted(scene.victim.leaks):
        verdict.blame("plain text in the database", name)
    for log in sorted(home.with_name(f"{home.name}-said").glob("*.err")):
        said = log.read_bytes()
        if any(mark in said for mark in MARKS):
            verdict.blame("plain text in the log", log.name)
        if b"Traceback" in said:
            verdict.blame("tracebacks in the log", log.name)
    told = scene.storefront.told.values()
    verdict.counts["never answered 201"] = sum(not (t.answers or t.overtaken) for t in told)
    if verdict.counts["never answered 201"]:
        verdict.wrong.append("somebody could not sign up even in fine weather")


def _count(scene: _Scene, weather: Weather, verdict: Verdict) -> None:
    """What happened in the run, for the table."""
    counts = verdict.counts
    counts.update(scene.victim.counts)
    counts.update(scene.lives.counts)
    counts["commands"] = sum(scene.commands.counts.values())
    counts["spells of bad weather"] = sum(weather.counts.values())
    for kind in ("full disk", "clock jump", "flags", "crowd"):
        counts[f"of these {kind}"] = weather.counts.get(kind, 0)
    counts["registrations"] = len(scene.everybody)
