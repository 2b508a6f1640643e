"""One try of a promised sign-up."""

import asyncio
from typing import Any

import pytest

from flags import Mode
from gateway.background import WOKEN, request_id
from gateway.channels import Done, Work
from gateway.customer import Customer
from gateway.errors import ErrorClass
from gateway.registration.deferred_attempt import AT_ONCE
from gateway.shopify import Accepted, AlreadyRegistered, Refused
from gateway.wording import not_taken
from tests.delivery.heart import HANAKO, TARO
from tests.registration.desk import PROFILE, Desk, down
from tests.registration.promises.promised import others, problem


async def test_a_promise_is_kept_and_the_channels_told_of_whom_shopify_answered(
    desk: Desk,
) -> None:
    desk.set(email_verified=1)
    assert await desk.deferred._round() is WOKEN
    await desk.background.finish(10.0)
    (asked,) = desk.master.registered
    assert (asked.id, asked.profile, asked.email_verified) == (desk.only.id, PROFILE, True)
    assert not asked.look_first
    assert asked.seconds == pytest.approx(24.0, abs=0.3)
    assert (desk.only.state, desk.only.customer_id) == ("accepted", TARO)
    assert desk.column("answered") == 1
    assert desk.owed_rows() == dict.fromkeys(desk.channels, "delivered")
    for channel in desk.channels.values():
        (work,) = channel.works
        assert (work.customer, work.fresh) == (Customer(TARO, PROFILE, desk.only.id), False)
    assert desk.results == [None]
    assert desk.listener.waited_for == [False]
    assert sorted(desk.calls) == ["gone", "owed"]
    assert not desk.deliverer.busy


async def test_a_try_is_made_for_the_request_that_it_began_with_and_counted_in_its_span(
    desk: Desk,
) -> None:
    seen = []

    async def looks() -> Any:
        seen.append(request_id.get())
        return down() if len(seen) == 1 else Accepted(Customer(TARO, PROFILE), "created")

    desk.set(request_id="req-1")
    desk.master.ends = [looks, looks]
    desk.modes = dict.fromkeys(desk.channels, Mode.HOLD)
    for _ in range(2):
        await desk.deferred._round()
        desk.clock.now += 6
    assert seen == ["req-1", "req-1"]
    identity = desk.only.id
    assert desk.spans.opened == [
        ("registration", (identity, True), {}),
        ("shopify", None, {}),
        ("registration", (identity, False), {}),
        ("shopify", None, {}),
    ]


def told(caplog: pytest.LogCaptureFixture, text: str) -> dict[str, Any]:
    """What the line says beside its text."""
    (record,) = [each for each in caplog.records if text in each.getMessage()]
    names = ("registration_id", "delivery_ids", "error_class", "attempt")
    return {name: getattr(record, name) for name in names if hasattr(record, name)}


async def test_the_log_says_of_each_try_whom_it_was_about_and_which_it_was(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    identity = desk.only.id
    desk.master.ends = [down()]
    await desk.deferred._round()
    desk.clock.now += 6
    await desk.deferred._round()
    about = {"registration_id": identity}
    failed = {"error_class": ErrorClass.TIMEOUT, "attempt": 1}
    assert told(caplog, "Shopify failed") == about | failed
    kept = {"delivery_ids": (1, 2, 3), "attempt": 2}
    assert told(caplog, "Shopify has the customer") == about | kept


async def test_the_log_says_whose_promise_was_rejected(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    desk.master.ends = [Refused((not_taken("phone"),))]
    await desk.deferred._round()
    assert told(caplog, "rejected") == {"registration_id": desk.only.id, "attempt": 1}


async def test_a_rehearsal_is_made_at_once(desk: Desk) -> None:
    desk.modes = {**dict.fromkeys(desk.channels, Mode.HOLD), "crm": Mode.DRY_RUN}
    await desk.deferred._round()
    await desk.background.finish(10.0)
    assert len(desk.channels["crm"].works) == 1
    assert not desk.channels["crm"].works[0].fresh
    assert desk.owed_rows() == {"smaregi": "held", "crm": "dry_run", "mail": "held"}
    (attempt,) = desk.db.connection.execute("SELECT outcome FROM attempts").fetchall()
    assert attempt[0] == "dry_run"


async def test_a_channel_that_hangs_holds_up_no_promise_and_gathers_only_so_many(
    desk: Desk,
) -> None:
    async def never(work: Work) -> Done:
        await asyncio.sleep(60)
        raise AssertionError

    desk.modes = {**dict.fromkeys(desk.channels, Mode.HOLD), "crm": Mode.ON}
    desk.channels["crm"].ends = [never] * AT_ONCE
    await others(desk, AT_ONCE + 1)
    customers = [Customer(TARO + n, PROFILE) for n in range(AT_ONCE + 2)]
    desk.master.ends = [Accepted(each, "created") for each in customers]
    while await desk.deferred._round() is not WOKEN:
        pass
    count = "SELECT count(*) FROM deliveries WHERE channel = 'crm' AND "
    for told, number in (("IS NOT NULL", AT_ONCE), ("IS NULL", 2)):
        sql = f"{count} claimed_version {told}"
        assert desk.db.connection.execute(sql).fetchone()[0] == number
    await desk.background.finish(0.0)


async def test_a_rehearsal_takes_no_longer_than_a_call(desk: Desk) -> None:
    async def never(work: Work) -> Done:
        await asyncio.sleep(60)
        raise AssertionError

    desk.timeout = 0.01
    desk.modes["crm"] = Mode.DRY_RUN
    desk.channels["crm"].ends = [never]
    async with asyncio.timeout(30):
        await desk.deferred._round()
    await desk.background.finish(0.0)


async def test_a_rehearsal_that_the_disk_does_not_take_follows(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    rounds_are_over = asyncio.Event()

    async def fills_the_disk(work: Work) -> Done:
        await rounds_are_over.wait()
        desk.db.breaks = 1
        return Done("created", "1")

    desk.modes = {**dict.fromkeys(desk.channels, Mode.HOLD), "crm": Mode.DRY_RUN}
    desk.channels["crm"].ends = [fills_the_disk]
    await desk.deferred._round()
    rounds_are_over.set()
    await desk.background.finish(0.1)
    assert "outcomes could not be stored yet: the disk is full (free some" in caplog.text
    assert desk.only.state == "accepted"
    await desk.background.finish(0.0)


async def test_a_mark_of_an_untold_sign_up_is_ours(desk: Desk) -> None:
    desk.master.marks = [desk.only.id, "another"]
    await desk.deferred._round()
    assert list(desk.master.registered[0].ours.values()) == [True, False]


async def test_what_shopify_refuses_is_rejected_without_what_was_sent(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    desk.master.ends = [Refused((not_taken("phone"),))]
    await desk.deferred._round()
    assert (desk.only.state, problem(desk)["type"]) == ("rejected", "invalid-data")
    assert problem(desk)["errors"] == [not_taken("phone").row()]
    assert desk.only.updated_at == desk.clock.now
    assert (desk.intents(), sorted(desk.calls)) == (0, ["gone", "owed"])
    assert f"registration {desk.only.id}: rejected: invalid-data" in caplog.text


@pytest.mark.parametrize("verified", [0, 1])
async def test_who_is_registered_already_has_proven_a_verified_e_mail(
    desk: Desk, verified: int
) -> None:
    desk.set(email_verified=verified)
    desk.master.ends = [AlreadyRegistered(HANAKO)]
    await desk.deferred._round()
    assert problem(desk)["type"] == "already-registered"
    proven = {HANAKO: desk.keys.email(PROFILE.email)}
    assert desk.proven() == (proven if verified else {})


async def test_what_cannot_be_read_any_more_ends_and_somebody_is_told(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.db.connection.execute("UPDATE intents SET sealed = x'00'")
    await desk.deferred._round()
    assert (desk.only.state, problem(desk)["type"]) == ("rejected", "unreadable")
    assert desk.only.updated_at == desk.clock.now
    assert desk.master.registered == []
    ((kind, text),) = desk.hopeless
    assert kind is ErrorClass.INVALID_DATA
    assert text.startswith("its data cannot be read any more: GATEWAY_SECRET was changed")
    assert f"registration {desk.only.id}: {text}" in caplog.text
    assert sorted(desk.calls) == ["gone", "unclear"]


async def test_without_an_intent_there_is_nothing_to_read(desk: Desk) -> None:
    desk.db.connection.execute("DELETE FROM intents")
    await desk.deferred._round()
    assert problem(desk)["type"] == "unreadable"
