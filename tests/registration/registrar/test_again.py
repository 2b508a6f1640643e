"""The same again: by its key, or the same person."""

import asyncio
from typing import Any

import pytest

from gateway.channels import Done, Work
from gateway.customer import Customer
from gateway.errors import UpstreamError
from gateway.registration.intent import admission_request
from gateway.shopify import Accepted, AlreadyRegistered, Refused
from gateway.store import Keys, links
from gateway.store.admission import Bounds
from gateway.wording import Detail, Fault
from tests.delivery.heart import HANAKO, TARO
from tests.registration.desk import PROFILE, Desk, a_sign_up, body, down, until
from tests.registration.registrar.problem_types import types


async def test_a_key_gets_the_same_answer_again(desk: Desk) -> None:
    first = await desk.sign_up(key="k:1")
    again = await desk.sign_up(key="k:1")
    assert (again.status, again.body) == (201, first.body)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(desk.master.registered) == 1
    assert desk.answers() == [(201, first.body)]


@pytest.mark.parametrize(
    ("end", "kept"),
    [
        (AlreadyRegistered(HANAKO), True),
        (Refused((Fault.NOT_VALID.at("phone"),)), False),
        (down(), False),
    ],
)
async def test_only_final_answers_are_remembered(desk: Desk, end: Any, kept: bool) -> None:
    desk.master.ends = [end]
    answer = await desk.sign_up(key="k:1")
    assert desk.answers() == ([(answer.status, answer.body)] if kept else [])


async def test_a_409_of_another_kind_is_not_final(desk: Desk) -> None:
    from gateway.registration.registrar import _is_final
    from gateway.responses.bodies import accepted, problem

    assert _is_final(accepted("r1"))
    assert not _is_final(problem(409, "in-progress", Detail.KEY_BUSY))
    assert _is_final(problem(409, "already-registered", Detail.SIGN_IN))
    assert not _is_final(problem(422, "already-registered", Detail.SIGN_IN))
    assert not _is_final(problem(503, "shopify-unavailable", Detail.NOT_TAKEN))


async def test_no_more_keys_of_a_caller_than_the_bound(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.registration.registrar.Bounds", lambda _: Bounds(keys=0))
    assert types(await desk.sign_up(key="k:1")) == (429, "too-many-requests")


# -- the same person again


async def test_a_double_click_gets_the_one_answer_and_asks_nothing(desk: Desk) -> None:
    go = asyncio.Event()

    async def waits() -> Accepted:
        await go.wait()
        return Accepted(Customer(TARO, PROFILE), "created", fresh=True)

    desk.master.ends = [waits]
    first = asyncio.create_task(desk.sign_up())
    await asyncio.sleep(0.01)
    second = asyncio.create_task(desk.sign_up(key="k:2"))
    await asyncio.sleep(0.01)
    go.set()
    one, two = await asyncio.gather(first, second)
    assert (one.status, one.body) == (two.status, two.body)
    assert len(desk.master.registered) == 1
    assert desk.master.reads == []
    assert desk.answers() == [(201, two.body)]


async def test_while_channels_are_told_nobody_asks_whether_the_customer_is_still_there(
    desk: Desk,
) -> None:
    go = asyncio.Event()

    async def slow(work: Work) -> Done:
        await go.wait()
        return Done("created", "1")

    desk.channels["smaregi"].ends = [slow]
    first = asyncio.create_task(desk.sign_up())
    await until(lambda: bool(desk.channels["smaregi"].works))
    desk.clock.now += 60
    second = asyncio.create_task(desk.sign_up())
    await asyncio.sleep(0.01)
    go.set()
    assert (await first).body == (await second).body
    assert desk.master.reads == []


async def test_one_that_is_forgotten_meanwhile_is_not_gone(desk: Desk) -> None:
    request = admission_request(a_sign_up(), desk.keys, desk.clock.now)
    assert await desk.registrar._is_gone("forgotten", request) is False


async def test_who_repeats_within_the_day_gets_the_registrations_answer(desk: Desk) -> None:
    first = await desk.sign_up()
    desk.clock.now += 11
    again = await desk.sign_up(key="k:2")
    assert (again.status, body(again)["id"]) == (201, body(first)["id"])
    assert desk.master.reads == [[TARO]]
    assert len(desk.master.registered) == 1
    assert desk.answers() == [(201, again.body)]
    assert desk.column("answered") == 1


async def test_just_now_nobody_is_asked_whether_the_customer_is_still_there(desk: Desk) -> None:
    await desk.sign_up()
    desk.clock.now += 9.9
    await desk.sign_up()
    assert desk.master.reads == []
    request = admission_request(a_sign_up(), desk.keys, desk.clock.now)
    assert await desk.registrar._is_gone(desk.only.id, request) is False
    desk.clock.now += 0.1
    await desk.sign_up()
    assert desk.master.reads == [[TARO]]


async def test_who_was_deleted_in_shopify_since_is_somebody_new(desk: Desk) -> None:
    first = await desk.sign_up(key="k:1")
    desk.clock.now += 60
    desk.master.customers.clear()
    again = await desk.sign_up(key="k:2")
    assert again.status == 201
    assert body(again)["id"] != body(first)["id"]
    assert len(desk.master.registered) == 2


async def test_while_shopify_cannot_say_the_old_answer_is_the_best_there_is(desk: Desk) -> None:
    first = await desk.sign_up()
    desk.clock.now += 60
    desk.master.trouble = down()
    again = await desk.sign_up(key="k:2")
    assert (again.status, body(again)["id"]) == (201, body(first)["id"])


@pytest.mark.parametrize("verified", [True, False])
async def test_a_repeated_sign_up_that_is_verified_proves_the_e_mail(
    desk: Desk, verified: bool
) -> None:
    await desk.sign_up()
    await desk.sign_up(verified=verified)
    proven = {TARO: desk.keys.email(PROFILE.email)}
    assert desk.proven() == (proven if verified else {})


async def test_a_repeated_sign_up_proves_what_waits_by_an_older_secret(desk: Desk) -> None:
    await desk.sign_up()
    keys = Keys("newer", "a secret of the tests alone")
    desk.change_link("smaregi", unproven=keys.older[0].email(PROFILE.email))
    desk.registrar._keys = keys
    await desk.sign_up(verified=True)
    waits = links.get(desk.db.connection, "smaregi", TARO)
    assert waits is not None
    assert (waits.unproven, desk.proven()) == (None, {TARO: keys.email(PROFILE.email)})


async def test_a_proof_is_by_the_secret_that_the_registration_has_meanwhile(desk: Desk) -> None:
    await desk.sign_up()
    desk.set(email_hash=b"by a newer secret")
    request = admission_request(a_sign_up(verified=True), desk.keys, desk.clock.now)
    await desk.registrar._verified(desk.only.id, request)
    assert desk.proven() == {TARO: b"by a newer secret"}


async def test_a_proof_that_comes_while_shopify_is_asked_is_kept_for_its_end(desk: Desk) -> None:
    go = asyncio.Event()

    async def waits() -> UpstreamError:
        await go.wait()
        return down()

    desk.master.ends = [waits]
    first = asyncio.create_task(desk.sign_up())
    await asyncio.sleep(0.01)
    second = asyncio.create_task(desk.sign_up(verified=True))
    await asyncio.sleep(0.01)
    go.set()
    await asyncio.gather(first, second)
    assert desk.only.email_verified


async def test_one_that_is_being_finished_elsewhere_is_told_so(desk: Desk) -> None:
    desk.master.ends = [down()]
    await desk.sign_up()
    desk.set(state="open")
    desk.clock.now += 60
    answer = await desk.sign_up()
    assert (answer.status, body(answer)["registration_id"]) == (409, desk.only.id)
    assert len(desk.master.registered) == 1
    assert desk.master.reads == [], "there is no customer to ask for"


async def test_the_same_e_mail_with_other_data_is_busy_meanwhile(desk: Desk) -> None:
    from dataclasses import replace

    from gateway.registration.intent import SignUp

    desk.master.ends = [down()]
    await desk.sign_up()
    desk.set(state="open")
    other = SignUp(replace(PROFILE, last_name="佐藤"), email_verified=False)
    assert types(await desk.registrar.register(other)) == (409, "in-progress")


async def test_newer_data_in_place_of_an_unclear_one_tells_recovery(desk: Desk) -> None:
    from dataclasses import replace

    from gateway.registration.intent import SignUp

    await desk.sign_up(later=True)
    desk.set(doubt=1)
    desk.calls.clear()
    other = SignUp(replace(PROFILE, last_name="佐藤"), email_verified=False, later=True)
    assert (await desk.registrar.register(other)).status == 202
    assert "unclear" in desk.calls
