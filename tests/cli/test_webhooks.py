"""`webhooks install` and what `check` says of it, as real processes."""

from typing import Any

import pytest

from gateway.sandbox import Fault, Sandbox
from gateway.sync.webhooks import SUBSCRIBED
from tests.cli.process import Finished, Shell

HERE = "http://127.0.0.1:9"


async def install(shell: Shell, **settings: str) -> Finished:
    return await shell.run("webhooks", "install", "--json", **settings)


def outcomes(finished: Finished) -> dict[str, Any]:
    return {row["topic"]: row["state"] for row in finished.rows()}


async def test_what_is_missing_is_made_once_and_check_tells_of_it(
    sandbox: Sandbox, shell: Shell
) -> None:
    before = await shell.run("check", GATEWAY_PUBLIC_URL=HERE)
    assert before.code == 1
    assert "customers/merge" in before.out
    first = await install(shell, GATEWAY_PUBLIC_URL=f"{HERE}/")
    assert (first.code, outcomes(first)) == (0, dict.fromkeys(SUBSCRIBED.values(), "made"))
    again = await install(shell, GATEWAY_PUBLIC_URL=HERE)
    assert (again.code, outcomes(again)) == (0, dict.fromkeys(SUBSCRIBED.values(), "there"))
    made = sandbox.shopify.store.subscriptions.values()
    assert {each.uri for each in made} == {f"{HERE}/webhooks/shopify"}
    assert {each.topic for each in made} == set(SUBSCRIBED)
    after = await shell.run("check", GATEWAY_PUBLIC_URL=HERE)
    assert (after.code, "sends every topic" in after.out) == (0, True)


async def test_one_topic_that_is_refused_keeps_back_no_other(
    sandbox: Sandbox, shell: Shell
) -> None:
    fault = Fault("status", status=500, match="webhookSubscriptionCreate", times=1)
    sandbox.faults.set("shopify", fault)
    shown = await shell.run("webhooks", "install", GATEWAY_PUBLIC_URL=HERE)
    assert shown.code == 1
    assert shown.out.count("made") == len(SUBSCRIBED) - 1
    assert "failed" in shown.out
    mended = await install(shell, GATEWAY_PUBLIC_URL=HERE)
    assert (mended.code, list(outcomes(mended).values()).count("made")) == (0, 1)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, "GATEWAY_PUBLIC_URL: is not set"),
        ({"GATEWAY_PUBLIC_URL": "http://gateway.example.com"}, "GATEWAY_PUBLIC_URL: should begin"),
        ({"GATEWAY_PUBLIC_URL": HERE, "SHOPIFY_WEBHOOK_SECRET": ""}, "SHOPIFY_WEBHOOK_SECRET"),
    ],
    ids=str,
)
async def test_what_it_needs_is_named(shell: Shell, settings: dict[str, str], named: str) -> None:
    refused = await install(shell, **settings)
    assert refused.code == 2
    assert named in refused.err
