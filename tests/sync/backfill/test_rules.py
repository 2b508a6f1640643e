"""Who is sent to a channel, who is passed over, and that nobody is sent twice."""

import asyncio
import sqlite3
from dataclasses import replace
from typing import Any

import pytest

from gateway.channels.crm.hubspot.mapping import OUR_PROPERTIES
from gateway.outcomes import Kind, Outcome
from gateway.sandbox import Fault
from tests.sync.backfill.runs import backfill, in_the_shop, numbers
from tests.world import World, registration

DAY = 86400.0


async def outcomes(world: World, channel: str = "crm") -> list[str]:
    return [d.outcome for d in await world.deliveries(channels=(channel,))]


async def test_everybody_from_before_the_gateway_is_sent(world: World) -> None:
    there = in_the_shop(world.sandbox, 250)
    heard = await backfill(world)
    assert (heard.counts, heard.error) == ({"delivered": 250}, None)
    assert heard.start == {"event": "start", "total": 250, "done": 0}
    assert numbers(world.sandbox) == [customer.id for customer in there]
    rows = await world.deliveries()
    assert {(row.kind, row.registration_id) for row in rows} == {(Kind.BACKFILL, None)}


@pytest.mark.parametrize("mode", ["off", "dry_run"])
async def test_sign_ups_of_the_days_on_which_the_channel_was_off_are_sent(
    world: World, mode: str
) -> None:
    """Their rows of then stay as history."""
    then = {"off": "skipped", "dry_run": "dry_run"}[mode]
    world.set(FLAG_CRM=mode)
    await world.register(number=1)
    world.set(FLAG_CRM="on")
    await world.register(number=2)
    heard = await backfill(world)
    assert heard.counts == {"delivered": 1, "has": 1}
    assert await outcomes(world) == [then, "delivered", "delivered"]
    assert len(numbers(world.sandbox)) == 2


async def test_the_customer_just_listed_is_sent_without_a_second_read(world: World) -> None:
    in_the_shop(world.sandbox, 120)
    await backfill(world)
    operations = [entry.operation for entry in world.sandbox.journal.reads("shopify")]
    assert sorted(operations) == ["customers", "customers", "customersCount"]


async def test_run_again_nothing_is_written_anywhere(world: World) -> None:
    in_the_shop(world.sandbox, 30)
    await backfill(world)
    world.sandbox.journal.clear()
    before = await world.deliveries()
    heard = await backfill(world)
    assert heard.counts == {"has": 30}
    asked = {each.operation for each in world.sandbox.journal.of("crm")}
    assert asked <= {"GET /details"}  # which account it is
    assert await world.deliveries() == before


@pytest.mark.parametrize("channel", ["crm", "smaregi", "email"])
async def test_two_at_once_send_nobody_twice(world: World, channel: str) -> None:
    in_the_shop(world.sandbox, 130)
    both = await asyncio.gather(backfill(world, channel), backfill(world, channel))
    assert sum(heard.counts.get("delivered", 0) for heard in both) == 130
    applied = [entry.target for entry in world.sandbox.journal.applied(channel)]
    records = [target for target in applied if target not in OUR_PROPERTIES]
    assert len(set(records)) == len(records) == 130
    assert await outcomes(world, channel) == ["delivered"] * 130


@pytest.mark.parametrize("outcome", ["retrying", "failed", "held"])
async def test_who_is_owed_already_stays_as_he_is(world: World, outcome: str) -> None:
    status = {"retrying": 500, "failed": 400, "held": 200}[outcome]
    world.set(FLAG_CRM="hold" if outcome == "held" else "on")
    world.sandbox.faults.set("crm", Fault(kind="status", status=status, match="POST"))
    if outcome == "held":
        world.sandbox.faults.clear()
    await world.register(number=1)
    world.sandbox.faults.clear()
    world.set(FLAG_CRM="on", FLAG_CRM_PERCENT="0")  # what was held stays held
    (before,) = await world.deliveries(channels=("crm",))
    heard = await backfill(world)
    assert (before.outcome, heard.counts) == (outcome, {"open": 1})
    assert await world.deliveries(channels=("crm",)) == [before]


async def test_a_sign_up_on_its_way_is_left_to_itself(world: World) -> None:
    """Shopify has the customer already, and our registration does not know it yet."""
    world.sandbox.faults.set("shopify", Fault(kind="slow", delay=1.5, match="customerCreate"))
    signing_up = asyncio.create_task(world.register(number=1))
    await world.until(lambda: world.sandbox.shopify.customers)
    heard = await backfill(world, "email")
    assert heard.counts == {"open": 1}
    reply = await signing_up
    assert reply.channel("email")["outcome"] == "delivered"
    assert len(world.sandbox.mail.messages) == 1


async def test_the_percentage_holds_the_rest_back_and_the_list_lets_its_own_through(
    world: World,
) -> None:
    there = in_the_shop(world.sandbox, 60)
    world.set(FLAG_CRM_PERCENT="30", FLAG_CRM_ALLOW="early7@example.com")
    heard = await backfill(world)
    inside = [
        customer.id
        for customer in there
        if world.live.current.flags["crm"].decide(customer.id, customer.email).mode == "on"
    ]
    assert 5 < len(inside) < 40
    assert there[7].id in inside
    assert heard.counts == {"delivered": len(inside), "held": 60 - len(inside)}
    assert numbers(world.sandbox) == inside
    world.set(FLAG_CRM_PERCENT="100")
    await world.until(lambda: len(numbers(world.sandbox)) == 60)


async def test_since_and_until_are_of_the_making_in_shopify(world: World) -> None:
    there = in_the_shop(world.sandbox, 5)
    for day, customer in enumerate(there):
        customer.created_at = 1_700_000_000.0 + day * DAY
    second, fourth = there[1].created_at, there[3].created_at
    heard = await backfill(world, since=second, until=fourth)
    assert heard.start["total"] == 3
    assert numbers(world.sandbox) == [customer.id for customer in there[1:4]]
    assert (await backfill(world, until=second)).counts == {"delivered": 1, "has": 1}
    assert (await backfill(world, since=fourth + 0.5)).counts == {"delivered": 1, "has": 1}


async def test_a_rehearsal_counts_and_writes_nothing(world: World) -> None:
    in_the_shop(world.sandbox, 140)
    in_the_shop(world.sandbox, 1, email=None, lastName=None, firstName=None)
    await world.register(number=1)
    world.set(FLAG_CRM="hold")
    await world.register(number=2)
    world.set(FLAG_CRM="on", FLAG_CRM_PERCENT="50")
    world.sandbox.journal.clear()
    before = await world.deliveries()
    heard = await backfill(world, dry_run=True)
    counts = dict(heard.counts)
    assert counts.pop("would_send") + counts.pop("held") == 140
    assert counts == {"has": 1, "open": 1, "lacking": 1}
    asked = {each.operation for each in world.sandbox.journal.of("crm")}
    assert asked <= {"GET /details"}  # which account it is
    assert await world.deliveries() == before
    marks = "SELECT count(*) FROM meta WHERE key LIKE 'backfill%'"
    assert await world.core.db.read(lambda db: db.execute(marks).fetchone()[0]) == 0


@pytest.mark.parametrize(
    ("channel", "lacks", "result"),
    [
        ("email", {"email": None}, "lacking"),
        ("crm", {"email": None, "lastName": None, "firstName": None}, "lacking"),
        ("crm", {"email": None}, "delivered"),
        ("crm", {"lastName": None, "firstName": None}, "delivered"),
        ("smaregi", {"email": None, "lastName": None, "firstName": None}, "delivered"),
        ("email", {"lastName": None, "firstName": None}, "delivered"),
    ],
)
async def test_a_customer_who_lacks_something_breaks_nothing(
    world: World, channel: str, lacks: dict[str, Any], result: str
) -> None:
    in_the_shop(world.sandbox, 1, **lacks)
    heard = await backfill(world, channel)
    assert (heard.counts, heard.error) == ({result: 1}, None)
    rows = await world.deliveries(channels=(channel,))
    assert [row.outcome for row in rows] == ([] if result == "lacking" else [result])
    if channel == "smaregi":
        (member,) = world.sandbox.smaregi.members.values()
        assert (member["lastName"], member["firstName"]) == ("未入力", "未入力")


async def test_a_store_member_with_the_same_e_mail_is_linked(world: World) -> None:
    (customer,) = in_the_shop(world.sandbox, 1)
    member = world.sandbox.smaregi.add(
        customerCode="C77", lastName="山田", firstName="太郎0", mailAddress=str(customer.email)
    )
    heard = await backfill(world, "smaregi")
    assert heard.counts == {"delivered": 1}
    (row,) = await world.deliveries(channels=("smaregi",))
    assert (row.action, row.reference) == ("linked", str(member))
    assert world.sandbox.smaregi.members[member]["customerCode"] == str(customer.id)


@pytest.mark.parametrize(
    ("state", "result"), [("DISABLED", "failed"), ("ENABLED", "delivered"), ("told", "delivered")]
)
async def test_only_an_e_mail_that_is_known_to_be_theirs_links_where_that_is_asked_for(
    world: World, state: str, result: str
) -> None:
    """Who has signed in at Shopify has proven it, or the sign-up that was skipped said so."""
    email = str(registration(1)["email"])
    if state == "told":
        world.set(FLAG_SMAREGI="off")
        await world.register(number=1)
        world.set(FLAG_SMAREGI="on")
    else:
        in_the_shop(world.sandbox, 1, email=email, state=state)
    world.set(SMAREGI_LINK_UNVERIFIED="false")
    world.sandbox.smaregi.add(
        customerCode="C77", lastName="山田", firstName="太郎", mailAddress=email
    )
    assert (await backfill(world, "smaregi")).counts == {result: 1}


async def test_a_mail_of_a_backfill_is_never_too_late(world: World) -> None:
    in_the_shop(world.sandbox, 1)
    await backfill(world, "email")
    (mail,) = await world.deliveries(channels=("email",))
    aged = replace(mail, outcome=Outcome.PENDING, created_at=mail.created_at - 30 * DAY)
    assert not world.core.deliverer.is_too_late(aged)
    assert world.core.deliverer.is_too_late(replace(aged, kind=Kind.REGISTRATION))


async def test_who_is_refused_is_failed_and_the_others_go_on(world: World) -> None:
    in_the_shop(world.sandbox, 1, email="not an address")
    in_the_shop(world.sandbox, 20)
    assert (await backfill(world)).counts == {"delivered": 20, "failed": 1}
    (row,) = await world.deliveries(outcomes=(Outcome.FAILED,))
    assert row.error_class == "invalid_data"


@pytest.mark.parametrize("channel", ["crm", "smaregi"])
async def test_after_a_loss_of_the_database_nobody_is_doubled_and_the_links_come_back(
    world: World, channel: str
) -> None:
    in_the_shop(world.sandbox, 20)
    await backfill(world, channel)
    sandbox = world.sandbox
    held = sandbox.hubspot.contacts if channel == "crm" else sandbox.smaregi.members
    before = {*held}

    def lose(db: sqlite3.Connection) -> int:
        db.execute("DELETE FROM deliveries")
        return db.execute("DELETE FROM links").rowcount

    assert await world.core.db.write(lose) == 20
    in_the_shop(world.sandbox, 1, email="late@example.com")
    assert (await backfill(world, channel)).counts == {"delivered": 21}
    assert len(before) == 20
    assert before < {*held}
    assert len(held) == 21
    assert (await backfill(world, channel)).counts == {"has": 21}
