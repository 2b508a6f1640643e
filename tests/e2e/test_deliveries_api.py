"""The outbox over HTTP, health and metrics; and that no personal data is in any of them."""

import logging
from typing import Any

import pytest

from gateway.sandbox import Fault
from tests.e2e.evidence import (
    CHANNELS,
    AlertBox,
    assert_problem,
    everything_arrived_once,
    fields_of,
    personal_data_in,
)
from tests.world import World

FIELDS = {
    "id",
    "registration_id",
    "request_id",
    "shopify_customer_id",
    "channel",
    "kind",
    "outcome",
    "error_class",
    "message",
    "reason",
    "attempts",
    "adjustments",
    "reference",
    "created_at",
    "updated_at",
    "next_attempt_at",
}


async def listed(world: World, query: str = "") -> list[dict[str, Any]]:
    reply = await world.get(f"/v1/deliveries{query}")
    assert reply.status == 200, reply.raw
    rows: list[dict[str, Any]] = reply.body["deliveries"]
    return rows


async def mixed(world: World) -> None:
    """Three registrations; the CRM refuses all, the mailbox knows no recipient."""
    world.sandbox.faults.set("crm", Fault("status", status=500))
    world.sandbox.faults.set("email", Fault("status", status=550, match="RCPT"))
    for number in (1, 2, 3):
        assert (await world.register(number=number)).status == 201
    world.sandbox.faults.clear()


async def test_a_delivery_is_shown_with_the_contracts_fields(quick: World) -> None:
    reply = await quick.register()
    rows = await listed(quick)
    assert {row["channel"] for row in rows} == set(CHANNELS)
    for row in rows:
        assert row.keys() == FIELDS
        assert row["registration_id"] == reply.body["id"]
        assert row["shopify_customer_id"] == reply.body["shopify_customer_id"]
        assert (row["kind"], row["outcome"], row["attempts"]) == ("registration", "delivered", 1)
        assert row["reference"] == reply.channel(row["channel"])["reference"]
        assert row["created_at"].endswith("Z")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 9),
        ("?channel=crm", 3),
        ("?channel=crm,smaregi", 6),
        ("?outcome=delivered", 3),
        ("?outcome=retrying,failed", 6),
        ("?outcome=skipped", 0),
        ("?error_class=unavailable", 3),
        ("?error_class=invalid_data", 3),
        ("?error_class=invalid_data&channel=crm", 0),
        ("?since=2020-01-01", 9),
        ("?since=2020-01-01T00:00:00Z&until=2020-12-31T23:59:59%2B09:00", 0),
        ("?until=2020-01-01T00:00:00Z", 0),
        ("?since=2999-01-01", 0),
    ],
)
async def test_the_list_is_filtered(quick: World, query: str, count: int) -> None:
    await mixed(quick)
    assert len(await listed(quick, query)) == count


async def test_the_list_is_filtered_by_whose_it_is_by_kind_and_by_reason(quick: World) -> None:
    await mixed(quick)
    for query, count in {
        "?kind=registration": 9,
        "?kind=update,removal": 0,
        "?customer=7000000000001": 3,
        "?customer=gid://shopify/Customer/7000000000002&channel=email": 1,
        "?registration=unknown": 0,
        "?reason=550%205.1.1%20Mailbox%20unavailable": 3,
        "?reason=&outcome=retrying,failed": 3,
    }.items():
        assert len(await listed(quick, query)) == count, query


async def test_pages_hold_every_delivery_once(quick: World) -> None:
    await mixed(quick)
    seen: list[int] = []
    cursor = ""
    for _ in range(10):
        reply = await quick.get(f"/v1/deliveries?limit=2{cursor}")
        assert len(reply.body["deliveries"]) <= 2
        seen += [row["id"] for row in reply.body["deliveries"]]
        if reply.body["next_cursor"] is None:
            break
        cursor = f"&cursor={reply.body['next_cursor']}"
    assert sorted(seen) == sorted({row["id"] for row in await listed(quick)})
    assert len(seen) == 9


async def test_pages_of_every_order_hold_each_delivery_once(quick: World) -> None:
    await mixed(quick)
    await quick.replay(channel="crm", limit=1)
    for sort in ("newest", "oldest", "next", "tries"):
        whole = await listed(quick, f"?sort={sort}")
        assert [row["id"] for row in whole] == await _by_pages(quick, sort)
        by = {"next": "next_attempt_at", "tries": "attempts"}.get(sort, "id")
        keys = [row[by] for row in whole if row[by] is not None]
        assert keys == sorted(keys, reverse=sort in {"newest", "tries"})


async def _by_pages(world: World, sort: str) -> list[int]:
    seen: list[int] = []
    cursor = ""
    while len(seen) < 9:
        reply = await world.get(f"/v1/deliveries?limit=2&sort={sort}{cursor}")
        assert reply.body.get("total") == (None if cursor else 9)
        seen += [row["id"] for row in reply.body["deliveries"]]
        cursor = f"&cursor={reply.body['next_cursor']}"
    return seen


WRONG = [
    ("channel", "fax"),
    ("channel", "crm,fax"),
    ("outcome", "lost"),
    ("outcome", "Delivered!"),
    ("error_class", "bad"),
    ("since", "yesterday"),
    ("until", "2026-13-01"),
    ("limit", "0"),
    ("limit", "-1"),
    ("limit", "many"),
    ("cursor", "abc"),
    ("chanel", "crm"),
    ("kind", "gift"),
    ("customer", "yamada"),
    ("customer", "9223372036854775808"),
    ("sort", "colour"),
    ("cursor", "1e99:7"),
    ("cursor", "99999999999999999999"),
    ("cursor", "47:10538"),
    ("registration", ""),
    ("outcome", ""),
    ("sort", ""),
]


async def test_a_wrong_filter_of_the_list_is_422(quick: World) -> None:
    for name, value in WRONG:
        reply = await quick.get(f"/v1/deliveries?{name}={value}")
        assert_problem(reply, 422)
        assert fields_of(reply) == [name]


async def test_the_place_of_another_order_is_422(quick: World) -> None:
    for query in ("sort=tries&cursor=41", "sort=next&cursor=41", "sort=oldest&cursor=1.5:41"):
        reply = await quick.get(f"/v1/deliveries?{query}")
        assert_problem(reply, 422)
        assert fields_of(reply) == ["cursor"]


WRONG_BODIES: list[tuple[str, Any]] = [
    *[(name, value) for name, value in WRONG if name != "cursor"],
    ("limit", 0),
    ("limit", -1),
    ("limit", True),
    ("limit", 1.5),
    ("limit", []),
    ("channel", {"a": 1}),
    ("channel", 5),
    ("outcome", ["failed", 1]),
    ("since", []),
    ("since", {}),
    ("until", 5),
    ("id", "abc"),
    ("id", [1, -2]),
    ("id", {}),
    ("id", []),
    ("channel", ""),
    ("outcome", []),
    ("registration", False),
    ("customer", True),
    ("reason", 5),
]
"""What is no filter is never taken for none, which would mean all."""


@pytest.mark.parametrize(("name", "value"), WRONG_BODIES)
async def test_a_wrong_filter_of_a_replay_is_422_and_sends_nothing(
    quick: World, name: str, value: Any
) -> None:
    quick.sandbox.faults.set("crm", Fault("reset"))
    await quick.register()
    quick.sandbox.faults.clear()
    reply = await quick.post("/v1/deliveries/replay", {name: value})
    await quick.settled()
    assert_problem(reply, 422)
    assert fields_of(reply) == [name]
    assert len(quick.sandbox.hubspot.contacts) == 0


async def test_a_replay_whose_body_is_no_json_is_400(quick: World) -> None:
    assert_problem(await quick.post("/v1/deliveries/replay", [1]), 400)


@pytest.mark.parametrize(
    ("chosen", "count"),
    [
        ({}, 6),
        ({"channel": "crm"}, 3),
        ({"channel": ["crm", "email"]}, 6),
        ({"error_class": "invalid_data"}, 3),
        ({"outcome": "failed"}, 3),
        ({"outcome": "delivered"}, 0),
        ({"limit": 2}, 2),
        ({"until": "2020-01-01"}, 0),
    ],
)
async def test_a_replay_takes_what_its_filter_names_and_says_how_many(
    quick: World, chosen: dict[str, Any], count: int
) -> None:
    await mixed(quick)
    assert await quick.replay(**chosen) == count
    delivered = await listed(quick, "?outcome=delivered")
    assert len(delivered) == 3 + count


async def test_one_delivery_is_replayed_by_its_id(quick: World) -> None:
    await mixed(quick)
    first, second, _ = await listed(quick, "?channel=crm")
    reply = await quick.post(f"/v1/deliveries/{first['id']}/replay")
    assert (reply.status, reply.body) == (202, {"count": 1})
    await quick.settled()
    assert len(quick.sandbox.hubspot.contacts) == 1
    again = await quick.post(f"/v1/deliveries/{first['id']}/replay")
    assert (again.status, again.body) == (202, {"count": 0})
    rows = {row["id"]: row["outcome"] for row in await listed(quick, "?channel=crm")}
    assert (rows[first["id"]], rows[second["id"]]) == ("delivered", "retrying")


async def test_a_discarded_delivery_is_taken_by_no_replay(quick: World) -> None:
    await mixed(quick)
    first, *_ = await listed(quick, "?channel=crm")
    reply = await quick.post(f"/v1/deliveries/{first['id']}/discard")
    assert (reply.status, reply.body) == (202, {"count": 1})
    again = await quick.post(f"/v1/deliveries/{first['id']}/discard")
    assert (again.status, again.body) == (202, {"count": 0})
    assert await quick.replay(channel="crm") == 2
    (kept,) = await listed(quick, "?outcome=discarded")
    assert kept["id"] == first["id"]
    assert len(quick.sandbox.hubspot.contacts) == 2


async def test_what_was_delivered_is_not_discarded(quick: World) -> None:
    await quick.register()
    for row in await listed(quick):
        reply = await quick.post(f"/v1/deliveries/{row['id']}/discard")
        assert reply.body == {"count": 0}
    assert {row["outcome"] for row in await listed(quick)} == {"delivered"}


@pytest.mark.parametrize("what", ["replay", "discard"])
async def test_a_delivery_that_does_not_exist_is_404(quick: World, what: str) -> None:
    for delivery in ("999", "0", "abc", "-1", "9" * 30):
        assert_problem(await quick.post(f"/v1/deliveries/{delivery}/{what}"), 404)


async def test_two_replays_at_once_send_nothing_twice(quick: World) -> None:
    await mixed(quick)
    for _ in range(3):
        assert (await quick.post("/v1/deliveries/replay", {})).status == 202
    await quick.settled()
    assert len(quick.sandbox.hubspot.contacts) == 3
    assert len(quick.sandbox.mail.messages) == 3


async def test_a_registration_shows_what_became_of_it_later(quick: World) -> None:
    quick.sandbox.faults.set("crm", Fault("throttle"))
    quick.sandbox.faults.set("email", Fault("status", status=550))
    reply = await quick.register()
    path = f"/v1/registrations/{reply.body['id']}"
    shown = await quick.get(path)
    assert (shown.status, shown.body) == (200, reply.body)
    assert shown.body["channels"]["crm"]["outcome"] == "retrying"
    assert shown.body["channels"]["email"]["outcome"] == "failed"
    quick.sandbox.faults.clear()
    await quick.replay()
    shown = await quick.get(path)
    assert shown.body["status"] == "complete"
    assert shown.body["channels"]["crm"]["action"] == "created"
    assert "error_class" not in shown.body["channels"]["crm"]
    assert everything_arrived_once(quick)


# -- health and metrics


async def test_the_process_lives_and_is_ready_though_every_upstream_is_down(
    quick: World,
) -> None:
    for system in ("shopify", *CHANNELS):
        quick.sandbox.faults.set(system, Fault("refuse"))
    assert (await quick.get("/healthz")).status == 200
    assert (await quick.get("/readyz")).status == 200


async def test_every_metric_begins_with_gateway(quick: World) -> None:
    await mixed(quick)
    text = (await quick.get("/metrics")).raw.decode()
    names = [line.split("{")[0].split()[0] for line in text.splitlines() if line[0] != "#"]
    assert names
    assert [name for name in names if not name.startswith("gateway_")] == []
    assert 'gateway_deliveries{channel="crm",outcome="retrying"} 3.0' in text
    assert 'gateway_deliveries{channel="email",outcome="failed"} 3.0' in text
    assert "gateway_intents_open 0.0" in text


async def test_an_intent_that_waits_for_shopify_is_a_metric(quick: World) -> None:
    quick.sandbox.faults.set("shopify", Fault("status", status=500))
    assert_problem(await quick.register(), 503)
    assert "gateway_intents_open 1.0" in (await quick.get("/metrics")).raw.decode()


# -- no personal data anywhere but where it belongs


TALKATIVE = "taro@example.com 山田 太郎 090-1234-5678 道玄坂"


async def test_no_personal_data_in_logs_alerts_errors_or_metrics(
    impatient: World, alerts: AlertBox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    body = {"title": TALKATIVE, "message": TALKATIVE, "detail": TALKATIVE}
    answers = [Fault("status", status=status, body=body) for status in (400, 409, 500, 422)]
    answers += [Fault("reset"), Fault("hang"), Fault("garbage"), Fault("half"), Fault("drop")]
    for number, fault in enumerate(answers, 1):
        for channel in ("smaregi", "crm"):
            impatient.sandbox.faults.set(channel, fault)
        spoken = Fault("status", status=550, body=TALKATIVE, match="RCPT")
        impatient.sandbox.faults.set("email", spoken)
        await impatient.register(number=number)
        impatient.sandbox.faults.clear()
        await impatient.replay()
    impatient.sandbox.faults.set("shopify", Fault("status", status=500, body=body))
    await impatient.register(number=50)
    await impatient.register(number=51, email="taro@")
    impatient.sandbox.faults.clear()
    impatient.sandbox.shopify.add_customer(email="taro60@example.com", state="ENABLED")
    await impatient.register(number=60)
    await impatient.get("/v1/registrations/taro@example.com")
    await impatient.get("/v1/deliveries?channel=taro@example.com")
    await impatient.settled()
    for record in caplog.records:
        text = logging.Formatter("%(message)s").format(record)  # with its traceback, if any
        if record.name.startswith("gateway"):
            assert personal_data_in(text) == [], record
    assert list(alerts.personal()) == []
    assert alerts.texts
    assert personal_data_in((await impatient.get("/metrics")).raw.decode()) == []
    for row in await listed(impatient):
        assert personal_data_in(row["message"] or "") == []


async def test_no_library_logs_personal_data_at_the_levels_that_serve_shows(
    quick: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for channel in CHANNELS:
        quick.sandbox.faults.set(channel, Fault("reset", times=1))
    await quick.register()
    await quick.replay()
    for record in caplog.records:
        assert personal_data_in(logging.Formatter("%(message)s").format(record)) == [], record
