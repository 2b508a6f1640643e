"""`Prefer: respond-async`: the 202, what it promises, and how it ends."""

from functools import partial
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from gateway.delivery import CircuitBreaker
from gateway.http.preferences import prefers
from gateway.sandbox import Fault
from tests.e2e.evidence import (
    AlertBox,
    assert_problem,
    everything_arrived_once,
    personal_data_in,
    rows_in,
    told,
)
from tests.e2e.guests import CREATE
from tests.e2e.trouble.ending import all_delivered, eventually
from tests.registration.deferred.later import (
    LATER,
    becomes,
    comes_back,
    later,
    names_in_shopify,
    state_of,
)
from tests.world import World


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        (["respond-async"], True),
        (["Respond-ASYNC"], True),
        (["return=minimal, respond-async"], True),
        (["respond-async, wait=10"], True),
        (["wait=10", "respond-async"], True),
        (["respond-async; strict"], True),
        (['respond-async=""'], True),
        (["  respond-async ,"], True),
        ([], False),
        ([""], False),
        (["return=minimal"], False),
        (["respond-async=no"], False),
        (["no-respond-async"], False),
        (['foo="a, respond-async, b"'], False),
        (['foo="a\\", respond-async"'], False),
        (["foo; respond-async"], False),
    ],
)
def test_a_preference_is_known_among_others(lines: list[str], wanted: bool) -> None:
    headers = CIMultiDictProxy(CIMultiDict([("prefer", line) for line in lines]))
    assert prefers(headers, "respond-async") is wanted


async def test_a_202_names_the_registration_and_is_followed_into_every_channel(
    quick: World,
) -> None:
    quick.sandbox.delays["shopify"] = 0.3
    reply = await later(quick)
    assert reply.status == 202
    assert reply.headers["Preference-Applied"] == "respond-async"
    identity = reply.body["id"]
    assert reply.headers["Location"] == f"/v1/registrations/{identity}"
    assert reply.body == {
        "id": identity,
        "status": "accepted",
        "shopify_action": None,
        "shopify_customer_id": None,
        "member_number": None,
        "warnings": [],
        "channels": {},
    }
    assert names_in_shopify(quick) == []
    shown = await quick.get(reply.headers["Location"])
    assert (shown.status, shown.body) == (200, reply.body)
    assert "gateway_registrations_waiting 1.0" in (await quick.get("/metrics")).raw.decode()
    await becomes(quick, reply, "complete")
    assert everything_arrived_once(quick)
    assert await rows_in(quick, "intents") == 0


async def test_without_the_header_nothing_has_changed(quick: World) -> None:
    reply = await quick.register(headers={"Prefer": "return=minimal, unheard-of"})
    assert reply.status == 201
    assert "Preference-Applied" not in reply.headers


async def test_what_is_wrong_is_said_at_once(quick: World) -> None:
    assert_problem(await later(quick, email="x"), 422)
    wrong = {**LATER, "Content-Type": "text/plain"}
    assert_problem(await quick.register(headers=wrong), 415)
    assert await rows_in(quick, "registrations") == 0


async def test_the_flags_are_those_of_the_moment_that_shopify_has_it(quick: World) -> None:
    quick.sandbox.faults.set("shopify", Fault("refuse"))
    reply = await later(quick)
    quick.set(FLAG_CRM="off", FLAG_EMAIL="hold", FLAG_SMAREGI="dry_run")
    quick.sandbox.faults.clear()
    shown = await becomes(quick, reply, "complete")
    outcomes = {name: channel["outcome"] for name, channel in shown.body["channels"].items()}
    assert outcomes == {"smaregi": "dry_run", "crm": "skipped", "email": "held"}
    assert told(quick) == []
    (rehearsal,) = await quick.deliveries(channels=("smaregi",))
    assert rehearsal.attempts == 1, "a rehearsal is made, as for a live one"


@pytest.mark.parametrize(
    "fault",
    [
        Fault("drop", match=CREATE, times=1),
        Fault("reset", match=CREATE, times=1, applied=True),
        Fault("garbage", match=CREATE, times=1, applied=True),
        Fault("late", match=CREATE, times=1, delay=1.0),
        Fault("status", status=500, match=CREATE, times=1),
    ],
    ids=["drop", "reset", "garbage", "late", "500"],
)
async def test_an_unclear_answer_is_looked_for_and_nothing_is_made_twice(
    quick: World, fault: Fault
) -> None:
    quick.sandbox.faults.set("shopify", fault)
    reply = await later(quick)
    shown = await becomes(quick, reply, "complete")
    assert shown.body["shopify_action"] == "created"
    await quick.settled()
    assert everything_arrived_once(quick)


async def test_after_an_outage_all_become_customers_once(quick: World) -> None:
    """More than the circuit lets fail; while it is open one is tried at a time."""
    quick.sandbox.faults.set("shopify", Fault("refuse"))
    replies = [await later(quick, number=number) for number in range(1, 15)]
    assert {reply.status for reply in replies} == {202}
    deferred = quick.core.deferred
    circuit = deferred._circuit
    await quick.until(lambda: circuit.cause is not None and not deferred._pump.running)
    for longer in (circuit._pause * 2, circuit._pause * 4):
        before = await tries(quick)
        circuit._until = circuit._clock()
        deferred.wake()
        await quick.until(partial(is_longer, circuit, longer))
        await quick.until(lambda: not deferred._pump.running)
        assert await tries(quick) == before + 1
    await comes_back(quick)
    for reply in replies:
        await becomes(quick, reply, "complete")
    await all_delivered(quick)
    sandbox = quick.sandbox
    assert len(sandbox.shopify.customers) == len(sandbox.smaregi.members) == 14
    assert len(sandbox.hubspot.contacts) == len(sandbox.mail.messages) == 14


def is_longer(circuit: CircuitBreaker, pause: float) -> bool:
    """A probe in vain doubles the pause until the next."""
    return circuit._pause >= pause


async def test_a_live_one_that_gets_through_ends_the_waiting(quick: World) -> None:
    quick.set(GATEWAY_RETRY_SCHEDULE="300")
    quick.sandbox.faults.set("shopify", Fault("refuse"))
    replies = [await later(quick, number=number) for number in range(1, 9)]
    circuit = quick.core.deferred._circuit
    await quick.until(lambda: circuit.cause is not None and not quick.core.deferred._pump.running)
    circuit._until += 300
    quick.sandbox.faults.clear()
    assert (await quick.register(number=9)).status == 201
    for reply in replies:
        await becomes(quick, reply, "complete")


async def tries(world: World) -> int:
    """Made for all that waits."""

    def unit(db: Any) -> int:
        number: int = db.execute("SELECT sum(tries) FROM registrations").fetchone()[0]
        return number

    return await world.core.db.read(unit)


async def test_what_shopify_refuses_is_rejected_with_a_problem_without_values(
    quick: World,
) -> None:
    quick.sandbox.faults.set(
        "shopify",
        Fault(
            "status",
            status=200,
            match=CREATE,
            body={
                "data": {
                    "customerCreate": {
                        "customer": None,
                        "userErrors": [
                            {"field": ["input", "lastKana"], "message": "ヤマダ is not a kana"}
                        ],
                    }
                }
            },
        ),
    )
    reply = await later(quick)
    shown = await becomes(quick, reply, "rejected")
    problem = shown.body["problem"]
    assert (problem["type"], problem["status"]) == ("invalid-data", 422)
    assert {"title", "detail", "errors"} <= problem.keys()
    assert personal_data_in(shown.raw.decode()) == []
    assert await rows_in(quick, "intents") == 0
    assert told(quick) == []
    quick.sandbox.faults.clear()
    assert (await quick.register()).status == 201, "mended, it may be sent again"


async def test_somebody_registered_already_is_rejected(quick: World) -> None:
    quick.sandbox.shopify.add_customer(email="taro@example.com", state="ENABLED")
    reply = await later(quick, key="k1")
    shown = await becomes(quick, reply, "rejected")
    assert shown.body["problem"]["type"] == "already-registered"
    assert shown.body["channels"] == {}
    again = await later(quick, key="k1")
    assert_problem(again, 409, "already-registered")
    replayed = await later(quick, key="k1")
    assert replayed.raw == again.raw
    assert replayed.headers["Idempotent-Replayed"] == "true"


async def test_after_a_day_it_is_given_up_and_administrators_are_told(
    quick: World, alerts: AlertBox
) -> None:
    quick.sandbox.faults.set("shopify", Fault("refuse"))
    reply = await later(quick, key="k1")
    await a_day_passes(quick)
    shown = await becomes(quick, reply, "rejected")
    problem = shown.body["problem"]
    assert (problem["type"], problem["status"]) == ("shopify-unavailable", 503)
    assert "24 hours" in problem["title"]
    await eventually(lambda: no_rows(quick, "intents"))
    await quick.until(lambda: alerts.about("Sign-ups answered 202", "24 hours"))
    assert not list(alerts.personal())
    quick.sandbox.faults.clear()
    assert (await quick.register(headers={"Idempotency-Key": "k1"})).status == 201


async def a_day_passes(world: World) -> None:
    await world.core.db.write(
        lambda db: db.execute("UPDATE registrations SET end_at = end_at - 86400")
    )


async def no_rows(world: World, table: str) -> bool:
    return await rows_in(world, table) == 0


async def test_one_given_up_that_shopify_has_after_all_is_finished(quick: World) -> None:
    """The look after the lost answer failed until the day was over."""
    quick.sandbox.faults.set("shopify", Fault("drop", match=CREATE, times=1))
    quick.sandbox.faults.set("shopify", Fault("reset"))
    reply = await later(quick)
    await quick.until(lambda: len(quick.sandbox.shopify.customers) == 1)
    await a_day_passes(quick)
    await becomes(quick, reply, "rejected")
    assert await state_of(quick, reply.body["id"]) == "unclear"
    quick.sandbox.faults.clear()
    await becomes(quick, reply, "complete")
    assert everything_arrived_once(quick)


async def test_a_changed_secret_is_said_and_told(quick: World, alerts: AlertBox) -> None:
    quick.sandbox.faults.set("shopify", Fault("refuse"))
    reply = await later(quick)
    await quick.restart(GATEWAY_SECRET="another secret of the tests")
    shown = await becomes(quick, reply, "rejected")
    assert shown.body["problem"]["type"] == "unreadable"
    await quick.until(lambda: alerts.about("Sign-ups answered 202", "GATEWAY_SECRET"))
