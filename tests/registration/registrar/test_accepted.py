"""The main path, step by step: what each end answers, leaves in the database, and tells whom."""

import asyncio
from typing import Any

import pytest

from flags import FlagSet, Mode
from gateway.channels import Done, Work
from gateway.customer import Customer
from gateway.delivery.opening import signed_up
from gateway.shopify import Accepted, Refused
from gateway.wording import Fault, Notice
from tests.delivery.heart import TARO, trouble
from tests.registration.desk import PROFILE, Desk, body, down


async def test_a_sign_up_reaches_shopify_and_then_every_channel(desk: Desk) -> None:
    answer = await desk.sign_up(verified=True)
    row = desk.only
    assert answer.status == 201
    assert body(answer) | {"channels": None} == {
        "id": row.id,
        "status": "complete",
        "shopify_action": "created",
        "shopify_customer_id": f"gid://shopify/Customer/{TARO}",
        "member_number": str(TARO),
        "warnings": [],
        "channels": None,
    }
    assert {name: c["outcome"] for name, c in body(answer)["channels"].items()} == {
        "smaregi": "delivered",
        "crm": "delivered",
        "mail": "delivered",
    }
    (asked,) = desk.master.registered
    assert (asked.id, asked.profile, asked.email_verified) == (row.id, PROFILE, True)
    assert not asked.look_first
    assert asked.seconds == pytest.approx(9.7, abs=0.2)
    assert (row.state, row.customer_id, row.shopify_action) == ("accepted", TARO, "created")
    assert desk.intents() == 0
    assert desk.column("answered") == 1
    assert (desk.results, desk.listener.waited_for) == ([None], [True])
    assert desk.calls == ["gone"]
    assert desk.channels["smaregi"].works[0].fresh
    assert desk.proven() == {TARO: desk.keys.email(PROFILE.email)}
    await asyncio.sleep(0)
    assert not desk.registrar.is_running(row.id)
    assert not desk.deliverer.has_work()


async def test_the_flags_of_the_moment_say_what_each_channel_is_owed(desk: Desk) -> None:
    desk.modes |= {"smaregi": Mode.HOLD, "crm": Mode.OFF, "mail": Mode.DRY_RUN}
    answer = await desk.sign_up()
    assert {name: c["outcome"] for name, c in body(answer)["channels"].items()} == {
        "smaregi": "held",
        "crm": "skipped",
        "mail": "dry_run",
    }
    assert desk.channels["smaregi"].works == desk.channels["crm"].works == []
    assert len(desk.channels["mail"].works) == 1, "a rehearsal is made at once"
    assert body(answer)["member_number"] == str(TARO), "it is owed"
    assert desk.proven() == {}


async def test_the_percentage_and_the_customers_own_e_mail_decide(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def seen(flags: FlagSet, channel: str, customer_id: int, email: str | None, *tried: Any) -> Any:
        asked.append((channel, customer_id, email))
        return signed_up(flags, channel, customer_id, email, *tried)

    monkeypatch.setattr("gateway.registration.acceptance.signed_up", seen)
    await desk.sign_up()
    assert asked == [(name, TARO, PROFILE.email) for name in ("smaregi", "crm", "mail")]


async def test_a_member_that_was_linked_keeps_the_number_it_had(desk: Desk) -> None:
    desk.channels["smaregi"].ends = [Done("linked", "1", member_number="900")]
    assert body(await desk.sign_up())["member_number"] == "900"


async def test_the_number_of_an_unproven_member_is_not_told(desk: Desk) -> None:
    desk.channels["smaregi"].ends = [Done("linked", "1", member_number="900", unproven=b"hash")]
    assert body(await desk.sign_up())["member_number"] is None


async def test_an_unproven_member_whose_number_is_the_customers_own_is_told(desk: Desk) -> None:
    number = str(TARO)
    desk.channels["smaregi"].ends = [Done("linked", "1", member_number=number, unproven=b"hash")]
    assert body(await desk.sign_up())["member_number"] == number


async def test_a_guest_who_was_adopted_has_the_number_of_their_link(desk: Desk) -> None:
    desk.link("smaregi", member_number="900")
    desk.channels["smaregi"].ends = [Done("updated", f"smaregi-{TARO}")]
    customer = Customer(TARO, PROFILE)
    warnings = (Notice.PHONE_KEPT.about("phone"),)
    desk.master.ends = [Accepted(customer, "adopted", warnings)]
    answer = body(await desk.sign_up())
    assert (answer["shopify_action"], answer["member_number"]) == ("adopted", "900")
    assert answer["warnings"] == list(warnings)
    assert desk.only.warnings == answer["warnings"]
    assert not desk.channels["smaregi"].works[0].fresh


async def test_a_guest_whom_the_till_is_to_get_is_told_the_number_beforehand(desk: Desk) -> None:
    desk.master.ends = [Accepted(Customer(TARO, PROFILE), "adopted")]
    desk.channels["smaregi"].ends = [trouble()]
    answer = body(await desk.sign_up())
    assert answer["channels"]["smaregi"]["outcome"] == "retrying"
    assert answer["member_number"] == str(TARO)


async def test_what_a_channel_has_not_ended_in_time_is_pending_in_the_answer(desk: Desk) -> None:
    go = asyncio.Event()

    async def slow(work: Work) -> Done:
        await go.wait()
        return Done("created", "1")

    desk.deadline = 0.35
    desk.channels["smaregi"].ends = [slow]
    answer = body(await desk.sign_up())
    assert (answer["status"], answer["channels"]["smaregi"]["outcome"]) == ("partial", "pending")
    assert answer["channels"]["crm"]["outcome"] == "delivered"
    assert answer["member_number"] == str(TARO)
    go.set()
    await desk.settled()
    assert desk.owed_rows()["smaregi"] == "delivered"


async def test_outcomes_that_the_disk_does_not_take_follow_and_the_answer_stands(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    async def fills_the_disk(work: Work) -> Done:
        desk.db.breaks = 1
        return Done("created", work.customer.registration_id)

    for channel in desk.channels.values():
        channel.ends = [fills_the_disk]
    answer = await desk.sign_up()
    assert (answer.status, body(answer)["status"]) == (201, "partial")
    assert "outcomes could not be stored yet: the disk is full" in caplog.text
    await desk.background.finish(0.0)


async def test_a_mark_is_ours_while_nobody_was_told_of_its_sign_up(desk: Desk) -> None:
    desk.master.ends = [down()]
    await desk.sign_up()
    first = desk.only.id
    desk.master.marks = [first, "another's"]
    await desk.sign_up()
    assert desk.master.registered[-1].ours == {first: True, "another's": False}
    assert not await desk.acceptance.is_ours(first, b"another e-mail", 0.0)


async def test_a_sign_ups_spans_say_whether_it_is_the_first_try_and_what_was_answered(
    desk: Desk,
) -> None:
    desk.master.ends = [down()]
    await desk.sign_up()
    await desk.sign_up()
    spans, identity = desk.spans.opened, desk.only.id
    assert spans[:4] == [
        ("registration", (identity, True), {"status": 503}),
        ("shopify", None, {}),
        ("registration", (identity, False), {"status": 201}),
        ("shopify", None, {}),
    ]
    assert {name for name, _, _ in spans[4:]} == {"attempt"}


async def test_an_answer_knows_what_it_is_about(desk: Desk) -> None:
    answer = await desk.sign_up()
    assert (answer.registration_id, answer.delivery_ids) == (desk.only.id, (1, 2, 3))
    again = await desk.sign_up()
    assert (again.registration_id, again.delivery_ids) == (desk.only.id, (1, 2, 3))
    shown = await desk.standing.shown(desk.only.id)
    assert shown is not None
    assert (shown.registration_id, shown.delivery_ids) == (desk.only.id, (1, 2, 3))


async def test_a_refusal_knows_what_it_is_about(desk: Desk) -> None:
    desk.master.ends = [Refused((Fault.NOT_VALID.at("phone"),))]
    answer = await desk.sign_up()
    assert answer.registration_id == desk.master.registered[0].id
