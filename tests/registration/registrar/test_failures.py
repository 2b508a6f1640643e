"""A sign-up is refused or fails, or the database does."""

import asyncio

import pytest

from gateway.customer import Customer
from gateway.shopify import Accepted, AlreadyRegistered, Refused
from gateway.wording import Fault
from tests.delivery.heart import HANAKO, TARO
from tests.registration.desk import PROFILE, Desk, body, down
from tests.registration.full_disk import no_answer_is_kept
from tests.registration.registrar.problem_types import types


async def test_what_shopify_refuses_is_answered_and_nothing_is_kept(desk: Desk) -> None:
    errors = (Fault.NOT_VALID.at("phone"),)
    desk.master.ends = [Refused(errors)]
    answer = await desk.sign_up()
    assert types(answer) == (422, "invalid-data")
    assert body(answer)["errors"] == [error.row() for error in errors]
    assert (desk.rows(), desk.intents(), desk.owed_rows()) == ([], 0, {})
    assert (desk.results, desk.calls) == ([None], ["gone"])


@pytest.mark.parametrize("verified", [True, False])
async def test_who_is_registered_already_has_proven_the_e_mail_where_it_is_verified(
    desk: Desk, verified: bool
) -> None:
    desk.master.ends = [AlreadyRegistered(HANAKO)]
    answer = await desk.sign_up(verified=verified)
    assert types(answer) == (409, "already-registered")
    proven = {HANAKO: desk.keys.email(PROFILE.email)}
    assert desk.proven() == (proven if verified else {})
    assert desk.rows() == []


# -- failed


@pytest.mark.parametrize(
    ("applied", "state"), [(None, "unclear"), (True, "unclear"), (False, None)]
)
async def test_what_shopify_may_have_carried_out_is_asked_for_until_it_is_clear(
    desk: Desk, applied: bool | None, state: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    error = down(applied=applied)
    desk.master.ends = [error]
    answer = await desk.sign_up()
    assert types(answer) == (503, "shopify-unavailable")
    assert (desk.results, desk.listener.waited_for) == ([error], [True])
    assert [row.state for row in desk.rows()] == ([] if state is None else [state])
    assert desk.calls == (["gone"] if state is None else ["unclear"])
    assert desk.intents() == (0 if state is None else 1)
    assert desk.owed_rows() == {}
    identity = body(answer)["registration_id"]
    assert identity == (desk.only.id if state else desk.master.registered[0].id)
    assert f"registration {identity}: Shopify failed" in caplog.text


async def test_the_same_again_after_a_doubtful_failure_looks_first_and_stays_in_doubt(
    desk: Desk,
) -> None:
    desk.master.ends = [down(), down(applied=False)]
    await desk.sign_up()
    first = desk.only.id
    await desk.sign_up()
    again = desk.master.registered[1]
    assert (again.id, again.look_first) == (first, True)
    assert desk.only.state == "unclear", "the first try may still have made the customer"
    assert (await desk.sign_up()).status == 201
    assert desk.only.id == first


async def test_who_hangs_up_cancels_nothing(desk: Desk) -> None:
    go = asyncio.Event()

    async def waits() -> Accepted:
        await go.wait()
        return Accepted(Customer(TARO, PROFILE), "created", fresh=True)

    desk.master.ends = [waits]
    calling = asyncio.create_task(desk.sign_up())
    await asyncio.sleep(0.01)
    assert desk.registrar.is_running(desk.only.id)
    calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)
    go.set()
    await desk.settled()
    assert desk.only.state == "accepted"


async def test_a_sign_up_that_shutdown_cancels_is_in_doubt(desk: Desk) -> None:
    async def never() -> Accepted:
        await asyncio.Event().wait()
        raise AssertionError

    desk.master.ends = [never]
    calling = asyncio.create_task(desk.sign_up())
    await asyncio.sleep(0.01)
    await desk.background.finish(0.0)
    await asyncio.gather(calling, return_exceptions=True)
    assert desk.only.state == "unclear"
    assert "unclear" in desk.calls


# -- the database


async def test_what_could_not_even_be_begun_is_503(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.db.breaks = 1
    assert types(await desk.sign_up(key="k:1")) == (503, "storage-unavailable")
    assert desk.master.registered == []
    assert "a registration could not be kept: the disk is full (free some space)" in caplog.text
    assert not desk.deliverer.has_work(), "there is no key to free"


async def test_where_the_end_cannot_be_kept_recovery_is_told_and_the_key_is_freed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fills_the_disk() -> Accepted:
        desk.db.breaks = 3
        return Accepted(Customer(TARO, PROFILE), "created", fresh=True)

    pauses = []
    sleep = asyncio.sleep

    async def no_time(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr("gateway.registration.registrar.asyncio.sleep", no_time)
    desk.master.ends = [fills_the_disk]
    assert types(await desk.sign_up(key="k:1")) == (503, "storage-unavailable")
    assert desk.calls == ["unclear", "promised"]
    assert desk.only.state == "open"
    await desk.settled()
    assert desk.answers() == [], "the same request does not find its key busy"
    assert 1.0 in pauses


@pytest.mark.parametrize("sent_again", [False, True])
async def test_of_who_was_answered_503_at_the_end_nobody_was_told_but_by_sending_it_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, sent_again: bool
) -> None:
    sleep, full = asyncio.sleep, no_answer_is_kept(monkeypatch)
    monkeypatch.setattr("gateway.background.asyncio.sleep", lambda _: sleep(0))
    assert types(await desk.sign_up(key="k:1")) == (503, "storage-unavailable")
    full.clear()
    if sent_again:
        assert (await desk.sign_up(key="k:2")).status == 201
    await desk.settled()
    assert desk.column("answered") == sent_again
    assert len(desk.answers()) == sent_again, "the first key is free"


async def test_where_the_acceptance_cannot_be_kept_recovery_has_it_without_a_key_too(
    desk: Desk,
) -> None:
    async def fills_the_disk() -> Accepted:
        desk.db.breaks = 1
        return Accepted(Customer(TARO, PROFILE), "created", fresh=True)

    desk.master.ends = [fills_the_disk]
    assert (await desk.sign_up()).status == 503
    await desk.settled()
    assert (desk.only.state, desk.column("answered")) == ("open", 0)
