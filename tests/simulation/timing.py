"""Scenarios about when something happens: no outcome waits for another, our own pace is nobody's
failure, a clock that jumps puts nothing off, and who came first goes first.
"""

import asyncio

from tests.simulation.judge import Person, judge_records, judge_told
from tests.simulation.network import Fate
from tests.simulation.one_person import NO_CHANNELS
from tests.simulation.rest import at_rest
from tests.simulation.sign_ups import sign_up
from tests.simulation.weather import Rule
from tests.simulation.world import World
from tests.world import registration

__all__ = ["begun_anew", "burst", "clock", "outage", "slow_channel", "unreadable"]

_AT_ONCE = 0.1
"""Seconds within which an outcome is on disk: some milliseconds, and the mail server's answer."""
_IN_TURN = 0.15
"""Seconds by which one may be later than who came after: eight are under way at the same time."""


def _people(world: World, least: int, most: int) -> list[Person]:
    count = world.dice.randint(least, most)
    return [Person(f"p{n}@example.com", f"090-1{n:03}-5678") for n in range(count)]


async def _register(world: World, person: Person, *, later: bool = False) -> None:
    body = registration(email=person.email, phone=person.phone)
    await sign_up(world, person, body, key=None, later=later)


async def slow_channel(world: World) -> None:
    """The mail is out at once, the CRM takes its time: the mail's outcome waits for nothing."""
    dice = world.dice
    world.settings |= {"FLAG_SMAREGI": "off"}
    world.weather.rules += [
        Rule("email", "DATA", lambda _: Fate(0.01, 0.012), 99),
        Rule("crm", "POST /contacts", lambda _: Fate(0.3, dice.uniform(0.3, 1.0)), 99),
    ]
    people = _people(world, 1, 2)
    await world.start()
    await asyncio.gather(*(_register(world, person) for person in people))
    await at_rest(world)
    sql = "SELECT reference, updated_at FROM deliveries WHERE channel = 'email'"
    written = {row[0]: row[1] for row in world.disk.image.execute(sql)}
    for mail in world.post.messages:
        waited = written[mail.message_id] - (world.wall() - world.loop.time() + mail.time)
        if waited > _AT_ONCE:
            world.find("waited", f"a mail's outcome was on disk after {waited:.3f} s")


async def burst(world: World) -> None:
    """More at once than Smaregi may be sent: they wait, and none of them fails."""
    world.settings |= {
        "FLAG_CRM": "off",
        "FLAG_EMAIL": "off",
        "SMAREGI_WRITES_PER_SECOND": "1",
        "GATEWAY_UPSTREAM_TIMEOUT": "1",
    }
    people = _people(world, 9, 13)
    await world.start()
    await asyncio.sleep(2.0)
    await asyncio.gather(*(_register(world, person) for person in people))
    await at_rest(world)
    sql = "SELECT count(*) FROM attempts WHERE error_class = 'timeout'"
    (count,) = world.disk.image.execute(sql).fetchone()
    if count:
        world.find("our own pace", f"{count} attempts timed out while they waited for it")


async def clock(world: World) -> None:
    """The wall clock is set just as an attempt fails, or before, or after."""
    dice = world.dice
    world.settings |= {"FLAG_SMAREGI": "off", "FLAG_EMAIL": "off"}
    failed = Fate(0.0, dice.uniform(0.05, 0.5), "status", applied=False, status=503)
    world.weather.rules.append(Rule("crm", "POST /contacts", lambda _: failed, dice.randint(1, 2)))
    people = _people(world, 1, 2)
    await world.start()
    async with asyncio.TaskGroup() as group:
        for person in people:
            group.create_task(_register(world, person))
        await world.while_asked("POST /contacts", 5.0)
        await asyncio.sleep(dice.uniform(0.0, 1.5))
        world.ahead += dice.choice((-86400.0, -3600.0, 3600.0, 40000.0))
    await at_rest(world)
    judge_told(world, people)


async def outage(world: World) -> None:
    """Shopify is away while people are promised; then they go in the order in which they came."""
    dice = world.dice
    world.settings |= NO_CHANNELS
    away = Fate(0.0, 0.05, "refused", applied=False)
    world.weather.pace = (0.05, 0.05)
    people = _people(world, 12, 18)
    await world.start()
    await asyncio.sleep(1.0)
    gone = Rule("shopify", "customer", lambda _: away, 10**6)
    world.weather.rules.append(gone)
    for person in people:
        await _register(world, person, later=True)
        await asyncio.sleep(dice.choice((0.5, 3.0)) * dice.random())
    await asyncio.sleep(dice.uniform(0.0, 20.0))
    gone.times = 0
    await at_rest(world)
    created = sorted(world.shopify.customers.values(), key=lambda each: each.id)
    came = {person.email: number for number, person in enumerate(people)}
    order = [(came[each.email or ""], each.created_at) for each in created]
    for number, at in order:
        earlier = [each for each, then in order[1:] if each > number and at - then > _IN_TURN]
        if earlier:
            world.find("out of turn", f"{number} went after {earlier}: {order}")
    judge_told(world, people)


async def unreadable(world: World) -> None:
    """Shopify cannot give one of those who are read together: the others are not held up."""
    dice = world.dice
    world.settings |= {"FLAG_SMAREGI": "off", "FLAG_EMAIL": "off", "GATEWAY_AUTO_REPLAY": "true"}
    gone = Rule("crm", "/", lambda _: Fate(0.0, 0.01, "refused", applied=False), 10**6)
    world.weather.rules.append(gone)
    people = _people(world, 3, 5)
    await world.start()
    for person in people:
        await _register(world, person)
    poisoned = dice.choice(list(world.shopify.customers.values()))
    world.shopify.unreadable.add(poisoned.id)
    gone.times = 0
    await at_rest(world, expect=frozenset({"delivery crm failed unexpected"}))
    judge_records(world, [each for each in people if each.email != poisoned.email])


async def begun_anew(world: World) -> None:
    """An attempt that does not count ends after its count began anew, as where a proof of the
    e-mail ends a conflict meanwhile.
    """
    dice = world.dice
    world.settings |= {"FLAG_SMAREGI": "off", "FLAG_EMAIL": "off"}
    refused = Fate(0.0, dice.uniform(0.05, 0.5), "status", applied=False, status=401)
    world.weather.rules.append(Rule("crm", "POST /contacts", lambda _: refused, 1))
    people = _people(world, 1, 3)
    await world.start()
    async with asyncio.TaskGroup() as group:
        for person in people:
            group.create_task(_register(world, person))
        await world.while_asked("POST /contacts", 5.0)
        world.disk.image.execute("UPDATE deliveries SET attempts = 0 WHERE channel = 'crm'")
    await at_rest(world)
    judge_records(world, people)
