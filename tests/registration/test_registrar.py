"""The main path, step by step: what each end answers, leaves in the database, and tells whom."""

import asyncio
from typing import Any

import pytest

from flags import FlagSet, Mode
from gateway.channels import Done, Work
from gateway.customer import Customer
from gateway.delivery.opening import Owed, opening
from gateway.errors import ErrorClass, StorageError, UpstreamError
from gateway.outcomes import Kind, Outcome
from gateway.registration.intent import admission_request
from gateway.shopify import Accepted, AlreadyRegistered, Refused
from gateway.store import Keys, links
from gateway.store.admission import Bounds
from gateway.wording import Detail, Fault
from tests.delivery.heart import HANAKO, TARO, trouble
from tests.registration.desk import PROFILE, Desk, a_sign_up, body, down, until


@pytest.fixture
async def desk() -> Desk:
    return Desk()


def types(answer: Any) -> tuple[int, str]:
    return answer.status, body(answer)["type"]


# -- accepted


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
    assert (desk.results, desk.told_others.waited_for) == ([None], [True])
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

    def seen(flags: FlagSet, channel: str, kind: Kind, owed: Owed, *tried: Any) -> Any:
        asked.append((channel, owed.customer_id, owed.email))
        return opening(flags, channel, kind, owed, *tried)

    monkeypatch.setattr("gateway.registration.acceptance.opening", seen)
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
    warnings = ({"field": "phone", "message": "taken"},)
    desk.master.ends = [Accepted(customer, "adopted", warnings)]
    answer = body(await desk.sign_up())
    assert (answer["shopify_action"], answer["member_number"]) == ("adopted", "900")
    assert answer["warnings"] == [{"field": "phone", "message": "taken"}]
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
    assert "outcomes could not be kept, they follow: the disk is full" in caplog.text
    await desk.background.finish(0.0)


async def test_a_mark_is_ours_while_nobody_was_told_of_its_sign_up(desk: Desk) -> None:
    desk.master.ends = [down()]
    await desk.sign_up()
    first = desk.only.id
    desk.master.marks = [first, "another's"]
    await desk.sign_up()
    assert desk.master.registered[-1].ours == {first: True, "another's": False}
    assert not await desk.acceptance.is_ours(first, b"another e-mail")


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


# -- refused


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
    assert (desk.results, desk.told_others.waited_for) == ([error], [True])
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


async def test_without_a_key_nothing_is_freed(desk: Desk) -> None:
    async def fills_the_disk() -> Accepted:
        desk.db.breaks = 1
        return Accepted(Customer(TARO, PROFILE), "created", fresh=True)

    desk.master.ends = [fills_the_disk]
    assert (await desk.sign_up()).status == 503
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not desk.deliverer.has_work()


# -- idempotency keys


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


# -- answered later


async def test_who_asks_for_a_promise_gets_it_and_somebody_follows(desk: Desk) -> None:
    answer = await desk.sign_up(later=True, key="k:1")
    assert (answer.status, body(answer)["status"]) == (202, "accepted")
    assert desk.master.registered == []
    assert desk.only.state == "waiting"
    assert desk.calls == ["promised"]
    again = await desk.sign_up(later=True, key="k:1")
    assert (again.status, again.body) == (202, answer.body)


@pytest.mark.parametrize(("room", "status"), [(False, 503), (True, 202)])
async def test_nothing_is_promised_where_the_disk_has_no_room(
    desk: Desk, room: bool, status: int
) -> None:
    desk.room = room
    assert (await desk.sign_up(later=True)).status == status
    assert (await desk.sign_up()).status == 201, "who waits for the answer is not kept"
    assert desk.disk._folder == desk.db.path.absolute().parent


async def test_no_more_may_wait_than_the_bound(desk: Desk) -> None:
    desk.waiting_limit = 0
    assert types(await desk.sign_up(later=True)) == (503, "too-many-waiting")


async def test_a_live_try_of_a_promised_one_that_fails_is_still_promised(desk: Desk) -> None:
    await desk.sign_up(later=True)
    desk.master.ends = [down(applied=False)]
    desk.calls.clear()
    answer = await desk.sign_up()
    assert (answer.status, body(answer)["id"]) == (202, desk.only.id)
    assert desk.column("next_try_at") == desk.clock.now + 5.0
    assert (desk.only.state, desk.calls) == ("waiting", ["promised"])
    assert desk.column("claimed") == 0


async def test_a_live_try_of_a_promised_one_that_is_refused_is_kept_with_its_problem(
    desk: Desk,
) -> None:
    await desk.sign_up(later=True)
    desk.clock.now += 1
    desk.master.ends = [Refused((Fault.NOT_VALID.at("phone"),))]
    assert types(await desk.sign_up()) == (422, "invalid-data")
    assert desk.only.problem is not None
    assert (desk.only.state, desk.only.problem["type"]) == ("rejected", "invalid-data")
    assert desk.only.updated_at == desk.clock.now


async def test_a_promised_one_that_was_refused_is_remembered_as_such(desk: Desk) -> None:
    await desk.sign_up(later=True, key="k:1")
    desk.master.ends = [Refused((Fault.NOT_VALID.at("phone"),))]
    await desk.deferred._round()
    answer = await desk.sign_up(later=True, key="k:1")
    assert types(answer) == (422, "invalid-data")
    assert [status for status, _ in desk.answers()] == [422]


# -- which runs


async def test_a_second_run_is_not_forgotten_when_the_first_ones_task_ends(desk: Desk) -> None:
    first = asyncio.create_task(asyncio.sleep(0))
    second = asyncio.create_task(asyncio.sleep(60))
    desk.registrar._running["r"] = second  # type: ignore[assignment]
    desk.registrar._ended("r", first)  # type: ignore[arg-type]
    assert desk.registrar.is_running("r")
    desk.registrar._ended("r", second)  # type: ignore[arg-type]
    assert not desk.registrar.is_running("r")
    desk.registrar._ended("r", second)  # type: ignore[arg-type]
    second.cancel()


async def test_a_storage_error_of_the_master_itself_is_no_doubt_less(desk: Desk) -> None:
    desk.master.ends = [StorageError("full", "hint")]
    assert types(await desk.sign_up()) == (503, "storage-unavailable")
    assert desk.only.state == "unclear"


async def test_shopifys_pause_is_passed_on(desk: Desk) -> None:
    desk.master.ends = [down(kind=ErrorClass.RATE_LIMIT, retry_after=42.0)]
    answer = await desk.sign_up()
    assert answer.headers["Retry-After"] == "42"


async def test_every_outcome_of_the_outbox_is_told(desk: Desk) -> None:
    desk.channels["smaregi"].ends = [down()]
    answer = body(await desk.sign_up())
    assert answer["channels"]["smaregi"]["outcome"] == Outcome.RETRYING
    assert answer["status"] == "partial"


async def test_what_is_being_finished_is_no_answer_to_keep_under_a_key(desk: Desk) -> None:
    desk.master.ends = [down()]
    await desk.sign_up()
    desk.set(state="open")
    answer = await desk.sign_up(key="k:1")
    assert answer.status not in {201, 202}
    assert desk.answers() == []
