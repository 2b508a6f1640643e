"""Scenarios: a person makes store members one, and parts them from customers, while points are
given and spent at the till, people sign up, answers are lost and the gateway dies.
"""

import asyncio
from collections.abc import Callable, Iterator
from itertools import count
from random import Random

from tests.simulation import trouble
from tests.simulation.commands import End, for_a_person, merge
from tests.simulation.judge import Person, judge_members
from tests.simulation.network import AFTER_THE_EFFECT, Fate
from tests.simulation.rest import at_rest
from tests.simulation.sign_ups import sign_up
from tests.simulation.weather import Rule
from tests.simulation.world import World
from tests.world import registration

__all__ = ["points"]

_TRIES = 40
"""A command that does not come to its end by then never does."""
_HISTORIES = 90.0
"""Seconds after which a person has compared two histories: no request of ours is under way."""
_CODE = "CARD{}"

Pair = tuple[int, int]


async def points(world: World) -> None:
    """Two members are made one, or two pairs at once: no point is lost, none is there twice."""
    dice = world.dice
    world.settings |= {
        "FLAG_EMAIL": "off",
        "FLAG_CRM": "off",
        "SMAREGI_LINK_FIELD": dice.choice(("customerCode", "customerNo")),
    }
    ids = [_card(world, number) for number in range(dice.choice((2, 2, 4)))]
    pairs = [(one, other) for one, other in zip(ids[::2], ids[1::2], strict=True)]
    gifts = count(4)
    for each in ids:
        world.smaregi.give(each, dice.choice((0, 1)) << next(gifts))
    await world.start()
    await asyncio.sleep(2.0)
    world.weather.rules += _unclear(dice)
    seconds = dice.choice((2.0, 10.0, 60.0))
    async with asyncio.TaskGroup() as group:
        if dice.random() < 0.4:
            group.create_task(trouble.some(world, seconds))
        if dice.random() < 0.4:
            group.create_task(_kill_in_the_middle(world))
        if dice.random() < 0.4:
            group.create_task(_till(world, ids, gifts, Random(dice.random()), seconds))
        if dice.random() < 0.5:
            group.create_task(_visit(world, Random(dice.random()), len(ids)))
        for pair in pairs:
            group.create_task(_merged(world, pair, Random(dice.random())))
    await at_rest(world)
    judge_members(world)
    for one, other in pairs:
        _judge_merged(world, one, other)


def _card(world: World, number: int) -> int:
    """A member from before, with a card of the shop's own."""
    return world.smaregi.add(
        customerCode=_CODE.format(number),
        lastName="山田",
        firstName="太郎",
        mailAddress=f"p{number}@example.com",
    )


def _unclear(dice: Random) -> list[Rule]:
    """What becomes of the first changes of points, and of the looks at balances."""
    fates: list[Callable[[Random], Fate]] = [_done_and_refused, _lost, _late, _never]
    return [
        Rule("smaregi", "point/add", dice.choice(fates), dice.choice((0, 1, 1, 2))),
        Rule("smaregi", "point/add", lambda _: Fate(0.02, 0.05), dice.choice((0, 1, 2))),
        Rule("smaregi", "point/add", dice.choice(fates), dice.choice((0, 1, 2))),
        Rule("smaregi", "GET /customers/point", _never, dice.choice((0, 0, 2))),
        Rule("smaregi", "PATCH", dice.choice(fates), dice.choice((0, 0, 1))),
    ]


def _done_and_refused(dice: Random) -> Fate:
    return Fate(0.05, 0.1, "status", status=dice.choice(AFTER_THE_EFFECT))


def _lost(dice: Random) -> Fate:
    return Fate(dice.uniform(0.01, 0.3), 0.2, dice.choice(("cut", "half", "garbage")))


def _late(dice: Random) -> Fate:
    return Fate(dice.uniform(0.5, 10.0), dice.uniform(0.01, 0.3), "cut")


def _never(dice: Random) -> Fate:
    return Fate(0.0, dice.uniform(0.01, 0.3), "status", applied=False, status=503)


async def _merged(world: World, pair: Pair, dice: Random) -> None:
    """The command again and again until it is done; where a person is asked, they do it."""
    await asyncio.sleep(dice.choice((0.0, 1.0)) * dice.random())
    settled, survivor = False, dice.choice((None, None, *pair))
    for _ in range(_TRIES):
        end = await merge(world, *pair, survivor, settled=settled)
        if end.code == 0:
            return
        settled = False
        asked = for_a_person(end)
        if asked is not None:
            await asyncio.sleep(_HISTORIES)
            world.smaregi.put_right(*asked)
            world.say(f"the points of members {asked} are put right")
            settled = True
        elif "move them in Smaregi" in end.text:
            _moved_by_hand(world, pair)
            return
        elif end.code == 2 and not _may_pass(end):
            world.find("refused", f"{pair}: {end.text}")
            return
        else:
            await asyncio.sleep(dice.choice((0.1, 3.0, 30.0)) * dice.random())
    world.find("stuck", f"the merge of {pair} does not come to its end")


def _may_pass(end: End) -> bool:
    """What another command, an outage or a full disk stands in the way of."""
    return any(word in end.text for word in ("first", "busy", "database", "Smaregi first"))


def _moved_by_hand(world: World, pair: Pair) -> None:
    """The till gave the absorbed one points just before it ended."""
    left = [each for each in pair if world.smaregi.members[each]["status"] == "4"]
    kept = [each for each in pair if each not in left]
    world.smaregi.put_right(kept[0], left[0])


async def _till(
    world: World, ids: list[int], gifts: Iterator[int], dice: Random, seconds: float
) -> None:
    """Never just what a merge sends at the same moment: no balance could tell the two apart."""
    for _ in range(dice.randint(1, 4)):
        if dice.random() < 0.5:
            await world.while_asked(dice.choice(("point/add", "GET /customers/point")), seconds)
        await asyncio.sleep(dice.uniform(0.0, seconds / 4))
        chosen = dice.choice(ids)
        if world.smaregi.members[chosen]["status"] != "4":  # whose card the till does not take
            spent = -1 if world.smaregi.has([chosen]) > 8 else 0
            given = dice.choice((1 << next(gifts), spent))
            world.smaregi.give(chosen, given)
            world.say(f"the till gives member {chosen} {given} points")


async def _kill_in_the_middle(world: World) -> None:
    dice = world.dice
    for _ in range(dice.randint(1, 2)):
        await world.while_asked(dice.choice(("point/add", "GET /customers/point", "PATCH")), 20.0)
        await asyncio.sleep(dice.choice((0.01, 0.3, 3.0)) * dice.random())
        world.kill()
        await asyncio.sleep(dice.choice((0.0, 2.0)) * dice.random())
        await world.start()


async def _visit(world: World, dice: Random, members: int) -> None:
    """Somebody signs up whose e-mail one of the members has, or none."""
    number = dice.randrange(members + 1)
    person = Person(f"p{number}@example.com", f"090-1{number:03}-5678")
    await asyncio.sleep(dice.choice((0.0, 1.0, 20.0)) * dice.random())
    body = registration(email=person.email, phone=person.phone)
    for _ in range(_TRIES):
        if (await sign_up(world, person, body, key=None)).status in {201, 409}:
            return
        await asyncio.sleep(1.0)


def _judge_merged(world: World, one: int, other: int) -> None:
    held, due = world.smaregi.has((one, other)), world.smaregi.due_of((one, other))
    if held != due:
        world.find("points", f"members {one} and {other} have {held}, due are {due}")
    ends = sorted(world.smaregi.members[each]["status"] or "" for each in (one, other))
    if ends != ["0", "4"]:
        world.find("not merged", f"members {one} and {other} have the status {ends}")
    for each in (one, other):
        if world.smaregi.members[each]["status"] == "4" and world.smaregi.has([each]):
            world.find("points", f"member {each} is merged and has {world.smaregi.has([each])}")
