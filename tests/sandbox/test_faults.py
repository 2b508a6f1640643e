"""Each way of misbehaving, met by a real client, and what the journal says of it."""

import asyncio
from typing import Any

import aiohttp
import pytest

from gateway.sandbox import Fault, Sandbox
from tests.sandbox.conftest import CREATE, Clients

CONTACTS = "/crm/objects/2026-03/contacts"
CONTACT = {"properties": {"email": "a@example.com"}}


async def create(clients: Clients) -> Any:
    return await clients.hubspot("POST", CONTACTS, json=CONTACT)


def held(clients: Clients) -> int:
    return len(clients.sandbox.hubspot.contacts)


async def test_refuse_closes_the_door_and_clear_opens_the_same_one(clients: Clients) -> None:
    await create(clients)  # leaves a connection open that has to be cut as well
    before = clients.sandbox.hubspot.url
    clients.sandbox.faults.set("crm", Fault("refuse"))
    with pytest.raises(aiohttp.ClientOSError):
        await create(clients)
    with pytest.raises(aiohttp.ClientConnectorError):
        await create(clients)
    clients.sandbox.faults.clear("crm")
    assert clients.sandbox.hubspot.url == before
    assert (await create(clients)).status == 409


async def test_refuse_can_be_switched_back_and_forth_at_once(clients: Clients) -> None:
    for _ in range(5):
        clients.sandbox.faults.set("crm", Fault("refuse"))
        clients.sandbox.faults.clear()
    assert (await create(clients)).status == 201
    clients.sandbox.faults.set("crm", Fault("refuse"))
    clients.sandbox.faults.clear()
    clients.sandbox.faults.set("crm", Fault("refuse"))
    with pytest.raises((aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)):
        await create(clients)
    with pytest.raises(aiohttp.ClientConnectorError):
        await create(clients)
    assert held(clients) == 1


@pytest.mark.parametrize(
    ("fault", "error", "applied"),
    [
        (Fault("reset"), ConnectionResetError, False),
        (Fault("drop"), aiohttp.ServerDisconnectedError, True),
        (Fault("half"), aiohttp.ClientPayloadError, True),
    ],
    ids=["reset", "drop", "half"],
)
async def test_broken_connection_takes_effect_or_not(
    clients: Clients, fault: Fault, error: type[Exception], applied: bool
) -> None:
    clients.sandbox.faults.set("crm", fault)
    with pytest.raises((error, aiohttp.ClientOSError)):
        await create(clients)
    assert held(clients) == applied
    (entry,) = clients.sandbox.journal
    assert (entry.applied, entry.fault) == (applied, fault.kind)
    assert entry.status == (201 if fault.kind == "half" else 0)


async def test_late_request_takes_effect_after_its_connection_is_gone(clients: Clients) -> None:
    clients.sandbox.faults.set("crm", Fault("late", delay=0.1))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await create(clients)
    assert held(clients) == 0
    assert len(clients.sandbox.journal) == 0
    while not held(clients):
        await asyncio.sleep(0.01)
    assert clients.sandbox.journal[0].applied


async def test_slow_answer_has_taken_effect_when_the_client_gives_up(clients: Clients) -> None:
    clients.sandbox.faults.set("crm", Fault("slow", delay=5))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(create(clients), 0.2)
    assert held(clients) == 1


async def test_hang_ends_when_cleared_and_is_answered_then(clients: Clients) -> None:
    clients.sandbox.faults.set("crm", Fault("hang"))
    waiting = asyncio.create_task(create(clients))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    clients.sandbox.faults.clear()
    assert (await waiting).status == 201


async def test_hang_takes_no_effect_once_the_client_has_gone(clients: Clients) -> None:
    clients.sandbox.faults.set("crm", Fault("hang"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(create(clients), 0.1)
    while not clients.sandbox.journal:
        await asyncio.sleep(0.01)
    assert held(clients) == 0
    assert [entry.applied for entry in clients.sandbox.journal] == [False]


async def test_status_comes_with_its_headers_and_body_and_only_so_often(clients: Clients) -> None:
    fault = Fault("status", status=503, headers={"Retry-After": "7"}, body={"x": 1}, times=2)
    clients.sandbox.faults.set("crm", fault)
    replies = [await create(clients) for _ in range(3)]
    assert [reply.status for reply in replies] == [503, 503, 201]
    assert (replies[0].headers["Retry-After"], replies[0].body) == ("7", {"x": 1})
    assert [entry.applied for entry in clients.sandbox.journal] == [False, False, True]


async def test_status_can_lie_about_what_took_effect(clients: Clients) -> None:
    clients.sandbox.faults.set("crm", Fault("status", status=500, applied=True))
    assert (await create(clients)).status == 500
    assert held(clients) == 1


async def test_garbage_is_a_200_that_is_not_json(clients: Clients) -> None:
    clients.sandbox.faults.set("shopify", Fault("garbage"))
    with pytest.raises(ValueError):
        await clients.graphql("{ shop { name } }")


async def test_match_picks_calls_by_path_and_by_root_field(clients: Clients) -> None:
    faults = clients.sandbox.faults
    faults.set("smaregi", Fault("status", status=500, match="POST /customers"))
    assert (await clients.smaregi("GET", "/customers")).status == 200
    assert (await clients.smaregi("POST", "/customers", json={})).status == 500
    faults.set("shopify", Fault("status", status=502, match="customerCreate"))
    assert (await clients.graphql("{ shop { name } }")).status == 200
    assert (await clients.graphql(CREATE, {"input": {}})).status == 502


async def test_token_requests_meet_only_faults_that_name_them(clients: Clients) -> None:
    clients.sandbox.faults.set("smaregi", Fault("status", status=500))
    token = await clients.grant()
    assert (await clients.smaregi("GET", "/customers", token)).status == 500
    clients.sandbox.faults.clear()
    clients.sandbox.faults.set("smaregi", Fault("status", status=500, match="token"))
    with pytest.raises(AssertionError):
        await clients.grant()
    assert (await clients.smaregi("GET", "/customers", token)).status == 200


async def test_throttle_speaks_each_systems_language(clients: Clients) -> None:
    for system in ("shopify", "smaregi", "crm"):
        clients.sandbox.faults.set(system, Fault("throttle", retry_after=3, times=1))
    reply = await clients.graphql(CREATE, {"input": {"email": "a@example.com"}})
    assert reply.status == 200
    assert reply.body["errors"][0]["extensions"]["code"] == "THROTTLED"
    cost = reply.body["extensions"]["cost"]
    assert cost["throttleStatus"]["currentlyAvailable"] < cost["requestedQueryCost"]
    for reply in (await clients.smaregi("GET", "/customers"), await create(clients)):
        assert (reply.status, reply.headers["Retry-After"]) == (429, "3")


async def test_probability_is_the_same_in_each_run() -> None:
    def drawn() -> list[bool]:
        faults = Sandbox().faults
        faults.set("crm", Fault("reset", probability=0.5))
        return [faults.take("crm", ("GET /x",)) is not None for _ in range(50)]

    first = drawn()
    assert first == drawn()
    assert 10 < sum(first) < 40


async def test_several_faults_act_in_the_order_they_were_set(clients: Clients) -> None:
    faults = [Fault("status", status=status, times=1) for status in (500, 429)]
    clients.sandbox.faults.set("crm", *faults)
    assert [(await create(clients)).status for _ in range(3)] == [500, 429, 201]


async def test_delay_is_for_each_request_or_for_writes_only(clients: Clients) -> None:
    token, loop = await clients.grant(), asyncio.get_running_loop()

    async def seconds(method: str) -> float:
        began = loop.time()
        await clients.smaregi(method, "/customers", token, json={})
        return loop.time() - began

    clients.sandbox.delays["smaregi"] = 0.3
    assert min(await seconds("GET"), await seconds("POST")) > 0.29
    clients.sandbox.delays.total("smaregi", 0.3)
    assert await seconds("GET") < 0.28
    assert await seconds("POST") > 0.29
    del clients.sandbox.delays["smaregi"]
    assert await seconds("POST") < 0.28


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "explode"},
        {"kind": "refuse", "times": 3},
        {"kind": "drop", "applied": False},
        {"kind": "reset", "times": 0},
        {"kind": "reset", "probability": 2},
    ],
)
def test_faults_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Fault(**wrong)


async def test_journal_counts_what_came_and_what_took_effect(clients: Clients) -> None:
    await create(clients)
    await create(clients)
    await clients.hubspot("GET", f"{CONTACTS}/a@example.com?idProperty=email")
    journal = clients.sandbox.journal
    assert journal.counts() == {"crm": {"reads": 1, "writes": 2, "applied": 1, "tokens": 0}}
    assert [entry.status for entry in journal.writes("crm")] == [201, 409]
    assert [entry.operation for entry in journal] == [
        "POST /contacts",
        "POST /contacts",
        "GET /contacts/{id}",
    ]
    (applied,) = journal.applied("crm")
    assert applied.target == "101"
    assert len(journal.reads()) == 1


async def test_a_herd_of_a_thousand_is_answered_whole(clients: Clients) -> None:
    async def one(number: int) -> None:
        await clients.create(email=f"{number}@example.com")

    await asyncio.gather(*(one(number) for number in range(1000)))
    assert len(clients.sandbox.shopify.customers) == 1000
    assert len(clients.sandbox.journal.applied("shopify")) == 1000
