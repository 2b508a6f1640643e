"""Scenario: a person parts customers from store members, whose creation or link came late, was
lost or is still under way: the number goes back, and the two stay apart.
"""

import asyncio
from random import Random

from tests.simulation import trouble
from tests.simulation.commands import carry_out, unlink
from tests.simulation.judge import Person, judge_members
from tests.simulation.network import AFTER_THE_EFFECT, Fate
from tests.simulation.rest import at_rest, replay
from tests.simulation.sign_ups import sign_up
from tests.simulation.weather import Rule
from tests.simulation.world import World
from tests.world import registration

__all__ = ["unlinked"]

_TRIES = 60
_LATEST = 4.0
"""Seconds after which a create of ours has arrived."""
_CARD, _OTHER = "CARD0", "CARD1"
_TARO = {"lastName": "山田", "firstName": "太郎"}


async def unlinked(world: World) -> None:
    dice = world.dice
    world.settings |= {
        "FLAG_EMAIL": "off",
        "FLAG_CRM": "off",
        "SMAREGI_LINK_FIELD": dice.choice(("customerCode", "customerNo")),
    }
    person = Person("p0@example.com", "090-1000-5678")
    card = None
    if dice.random() < 0.4:
        card = world.smaregi.add(customerCode=_CARD, mailAddress=person.email, **_TARO)
    other = world.smaregi.add(customerCode=_OTHER, mailAddress="p1@example.com", **_TARO)
    await world.start()
    await asyncio.sleep(2.0)
    world.weather.pace = (0.005, dice.choice((0.12, 0.5, 1.0)))
    world.weather.rules += _rules(dice)
    async with asyncio.TaskGroup() as group:
        if dice.random() < 0.3:
            group.create_task(trouble.some(world, 6.0))
        if dice.random() < 0.4:
            group.create_task(_registered(world, Person("p1@example.com", "090-1001-5678")))
        await _registered(world, person)
        former = await _linked(world, person)
        if former is None:
            return world.find("undelivered", f"{person.email} is no member")
        customer, new_member = _customer(world, person), dice.random() < 0.6
        await _unlinked(world, customer, new_member)
    await at_rest(world)
    _judge_parted(world, customer, former, card)
    if new_member:
        judge_members(world)
    else:
        await _linked_by_hand(world, customer, other)
    return None


def _rules(dice: Random) -> list[Rule]:
    """The create arrives late, or is done and not told; so may be what gives the number back."""
    late = Fate(dice.uniform(0.2, 4.0), 0.1, "cut")
    said = Fate(0.05, 0.1, "status", status=dice.choice(AFTER_THE_EFFECT))
    lost = Fate(0.05, 0.1, dice.choice(("cut", "half", "garbage")))
    return [
        Rule("smaregi", "POST /customers", lambda _: late, dice.choice((0, 1, 1))),
        Rule("smaregi", "POST /customers", lambda _: said, dice.choice((0, 0, 1))),
        Rule("smaregi", "PATCH", lambda _: dice.choice((said, lost)), dice.choice((0, 1, 2))),
    ]


async def _registered(world: World, person: Person) -> None:
    body = registration(email=person.email, phone=person.phone)
    for _ in range(_TRIES):
        if (await sign_up(world, person, body, key=None)).status in {201, 409}:
            return
        await asyncio.sleep(1.0)


def _customer(world: World, person: Person) -> int:
    held = world.shopify.store.by_email(person.email)
    assert held is not None
    return held.id


async def _linked(world: World, person: Person) -> int | None:
    """The member that the customer is linked to, once they are and nothing is under way."""
    for _ in range(_TRIES):
        reference = _reference(world, _customer(world, person))
        if reference is not None:
            await asyncio.sleep(_LATEST)
            return reference
        await replay(world, {"outcome": "failed"})
        await asyncio.sleep(1.0)
    return None


def _reference(world: World, customer: int) -> int | None:
    sql = "SELECT reference FROM links WHERE channel = 'smaregi' AND customer_id = ?"
    row = world.disk.image.execute(sql, (customer,)).fetchone()
    return int(row[0]) if row else None


async def _unlinked(world: World, customer: int, new_member: bool) -> None:
    for _ in range(_TRIES):
        end = await unlink(world, customer, new_member=new_member)
        if end.code == 0:
            return
        await asyncio.sleep(2.0)
    world.find("stuck", f"customer {customer} cannot be unlinked: {end.text}")


def _judge_parted(world: World, customer: int, former: int, card: int | None) -> None:
    row = world.smaregi.members[former]
    code, number = row["customerCode"] or "", row["customerNo"] or ""
    if str(customer) in {code, number}:
        world.find("links", f"member {former} is unlinked and has the number {customer}")
    own = _CARD if former == card else f"S{former}"
    if number == f"S{former}":  # a 400 after the change is taken for a column that is required
        number = ""
    known = former == card or world.settings["SMAREGI_LINK_FIELD"] == "customerCode"
    if known and (code, number, row["note"] or "") != (own, "", ""):
        world.find("links", f"member {former} has {code} {number} {row['note']}, not {own}")
    if _reference(world, customer) == former:
        world.find("links", f"customer {customer} is linked to {former}, who is kept apart")


async def _linked_by_hand(world: World, customer: int, member: int) -> None:
    """A person knows better."""
    row = world.smaregi.members[member]
    if (row["customerCode"], row["customerNo"] or "") != (_OTHER, ""):
        return None
    if _reference(world, customer) is not None:
        return world.find("links", f"customer {customer} was to have no member")
    asked = {"customer": customer, "member": member}
    end = await carry_out(world, "/control/duplicates/link", asked)
    if end.code or _reference(world, customer) != member:
        world.find("links", f"customer {customer} is not linked to {member}: {end}")
    return None
