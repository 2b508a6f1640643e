"""The request id that a caller was told finds the whole story in the log, and nothing personal."""

import io
import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from gateway.sandbox import Fault
from gateway.telemetry.logs import FIELDS, log_to_stderr
from tests.e2e.evidence import personal_data_in
from tests.world import World, registration

Lines = Callable[[str], list[dict[str, Any]]]

DOWN = Fault("status", status=503)
ALWAYS = {"time", "level", "logger", "message"}


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch, log_as_before: None) -> io.StringIO:
    """The log as `serve` writes it, in JSON and with everything."""
    written = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", written)
        log_to_stderr("debug", "json")
    return written


@pytest.fixture
def story(log: io.StringIO) -> Lines:
    """`grep`: the lines that hold a text."""

    def lines(text: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in log.getvalue().splitlines() if text in line]

    return lines


def ends(lines: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Of the lines that are attempts: which, and how they ended."""
    return [
        (line["channel"], line["outcome"], line["attempt"])
        for line in lines
        if "delivery_id" in line and "outcome" in line
    ]


async def test_a_registration_is_a_line_and_each_attempt_is_one(quiet: World, story: Lines) -> None:
    reply = await quiet.register()
    found = story(reply.headers["X-Request-Id"])
    (asked,) = [line for line in found if line.get("route") == "/v1/registrations"]
    ids = sorted(delivery.id for delivery in await quiet.deliveries())
    assert (asked["status"], asked["caller"]) == (201, "loopback")
    assert (asked["registration_id"], sorted(asked["delivery_ids"])) == (reply.body["id"], ids)
    assert asked["duration_ms"] > 0
    assert sorted(ends(found)) == [(name, "delivered", 1) for name in ("crm", "email", "smaregi")]
    assert {line["registration_id"] for line in found} == {reply.body["id"]}
    assert len(found) == 4, "nothing else is said of what went well"


async def test_replay_and_restart_go_on_with_the_story(quiet: World, story: Lines) -> None:
    quiet.sandbox.faults.set("crm", DOWN)
    told = (await quiet.register()).headers["X-Request-Id"]
    await quiet.replay(channel="crm")
    quiet.sandbox.faults.clear()
    await quiet.restart()
    again = await quiet.post("/v1/deliveries/replay", {"channel": "crm"})
    await quiet.settled()
    found = [end for end in ends(story(told)) if end[0] == "crm"]
    assert found == [("crm", "retrying", 1), ("crm", "retrying", 2), ("crm", "delivered", 3)]
    (line,) = [line for line in story(again.headers["X-Request-Id"]) if "delivery_id" in line]
    assert (line["request_id"], line["by_request_id"]) == (told, again.headers["X-Request-Id"])


async def test_the_worker_goes_on_with_the_story(quiet: World, story: Lines) -> None:
    quiet.sandbox.faults.set("crm", DOWN)
    told = (await quiet.register()).headers["X-Request-Id"]
    quiet.sandbox.faults.clear()
    await quiet.restart(GATEWAY_AUTO_REPLAY="true", GATEWAY_RETRY_SCHEDULE="0.1,0.1")
    await quiet.core.db.write(
        lambda db: db.execute("UPDATE deliveries SET next_attempt_at = 0 WHERE channel = 'crm'")
    )
    quiet.core.worker.wake("crm")
    await quiet.until(lambda: ("crm", "delivered", 2) in ends(story(told)))


async def test_a_sign_up_answered_202_goes_on_with_the_story(quiet: World, story: Lines) -> None:
    quiet.sandbox.faults.set("shopify", DOWN)
    reply = await quiet.register(headers={"Prefer": "respond-async"})
    told = reply.headers["X-Request-Id"]
    assert reply.status == 202
    await quiet.until(lambda: [x for x in story(told) if "Shopify failed" in x["message"]])
    quiet.sandbox.faults.clear()
    await quiet.restart(GATEWAY_AUTO_REPLAY="true")
    await quiet.until(lambda: len(ends(story(told))) == 3)
    (line,) = [x for x in story(told) if "Shopify has the customer" in x["message"]]
    assert line["registration_id"] == reply.body["id"]
    assert len(line["delivery_ids"]) == 3


async def test_a_change_is_a_story_of_its_own(quiet: World, story: Lines) -> None:
    first = await quiet.register()
    customer = first.body["shopify_customer_id"].rpartition("/")[2]
    changed = await quiet.patch(f"/v1/customers/{customer}", {"first_name": "次郎"})
    found = ends(story(changed.headers["X-Request-Id"]))
    assert sorted(found) == [("crm", "delivered", 1), ("smaregi", "delivered", 1)]
    assert len(ends(story(first.headers["X-Request-Id"]))) == 3


async def test_an_operator_is_told_the_request_of_a_delivery(quiet: World) -> None:
    reply = await quiet.register()
    for row in (await quiet.get("/v1/deliveries")).body["deliveries"]:
        one = (await quiet.get(f"/v1/deliveries/{row['id']}")).body
        assert one["request_id"] == row["request_id"] == reply.headers["X-Request-Id"]
        assert [each["outcome"] for each in one["tries"]] == ["delivered"]
    assert (await quiet.get("/v1/deliveries/99999")).status == 404


async def test_no_line_of_json_holds_anything_personal(
    quiet: World, log: io.StringIO, story: Lines
) -> None:
    await quiet.register()
    await quiet.register(registration(1, phone="zz"))
    quiet.sandbox.faults.set("smaregi", Fault("status", status=400, body='{"detail": "山田 太郎"}'))
    quiet.sandbox.faults.set("crm", Fault("garbage"))
    quiet.sandbox.faults.set("email", Fault("status", status=550, match="RCPT"))
    await quiet.register(number=2)
    quiet.sandbox.faults.set("shopify", DOWN)
    await quiet.register(number=3)
    assert personal_data_in(log.getvalue()) == []
    assert personal_data_in(json.dumps(story(""), ensure_ascii=False)) == []
    for line in story(""):
        assert set(line) <= {*ALWAYS, *FIELDS, "exception"}


async def test_a_callers_key_is_told_from_the_others_and_not_shown(
    quiet: World, story: Lines
) -> None:
    keys = ("a-key-of-the-storefront", "a-key-of-the-app-000000")
    quiet.set(GATEWAY_API_KEYS=",".join(keys))
    names = []
    for number, key in enumerate(keys):
        headers = {"Authorization": f"Bearer {key}"}
        reply = await quiet.register(registration(number + 1), headers=headers)
        (line,) = [x for x in story(reply.headers["X-Request-Id"]) if "caller" in x]
        names.append(line["caller"])
        assert not story(key)
    assert len(set(names)) == 2
