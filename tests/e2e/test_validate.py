"""`?validate=true`: the errors of a sign-up, and nothing sent or kept."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.evidence import assert_problem, rows_in, started_quietly
from tests.e2e.raw_bodies import assert_nothing_happened
from tests.e2e.test_bad_fields import WRONG
from tests.world import TARO, Reply, World, a_world, registration

KEY = "the-storefronts-own-key"


async def validate(world: World, query: str = "true", **changes: Any) -> Reply:
    headers = changes.pop("headers", None)
    path = f"/v1/registrations?validate={query}"
    return await world.post(path, registration(**changes), headers=headers)


async def test_a_valid_sign_up_is_shown_as_it_would_be_taken(quiet: World) -> None:
    reply = await validate(quiet, last_kana="やまだ", first_kana="ﾀﾛｳ", email_verified=None)
    assert reply.status == 200
    taken = {name: value for name, value in TARO.items() if name != "email_verified"}
    assert reply.body == {"status": "valid", "profile": taken, "warnings": []}
    assert reply.headers["Cache-Control"] == "no-store"
    await assert_nothing_happened(quiet)


async def test_it_warns_of_what_is_known_without_shopify(quiet: World) -> None:
    merged = {"prefecture": "埼玉県", "city": "浦和市", "address1": "岸町7-10-23"}
    reply = await validate(quiet, locale="fr", address=merged)
    assert [warning["field"] for warning in reply.body["warnings"]] == ["address.city", "locale"]
    await assert_nothing_happened(quiet)


async def test_its_errors_are_those_of_the_sign_up(tmp_path: Path) -> None:
    async with a_world(tmp_path, None, GATEWAY_RATE_LIMIT="100000") as world:
        await started_quietly(world)
        for changes, _ in WRONG.values():
            told = await validate(world, **changes)
            real = await world.register(**changes)
            assert (told.status, told.raw) == (real.status, real.raw)
        for headers in ({"Idempotency-Key": ""}, {"X-Client-Address": "x"}):
            told = await validate(world, headers=headers)
            assert told.raw == (await world.register(headers=headers)).raw
        await assert_nothing_happened(world)


async def test_it_leaves_the_idempotency_key_and_the_person_free(quiet: World) -> None:
    headers = {"Idempotency-Key": "k1"}
    assert (await validate(quiet, headers=headers, first_name="花子")).status == 200
    assert await rows_in(quiet, "idempotency_keys") == 0
    reply = await quiet.register(headers=headers)
    assert (reply.status, "Idempotent-Replayed" in reply.headers) == (201, False)
    assert (await validate(quiet, headers=headers, first_name="花子")).status == 200


async def test_who_is_registered_already_is_not_told_by_it(quiet: World) -> None:
    """Nothing is asked of Shopify, so a form does not tell strangers who is registered."""
    quiet.sandbox.shopify.add_customer(email=TARO["email"], state="ENABLED")
    assert (await validate(quiet)).status == 200
    assert list(quiet.sandbox.journal) == []


@pytest.mark.parametrize("query", ["ture", "1", "", "TRUE", "true&validate=false"])
async def test_a_slip_in_its_value_registers_nobody(quiet: World, query: str) -> None:
    reply = await validate(quiet, query)
    assert_problem(reply, 422, "invalid-data")
    (error,) = reply.body["errors"]
    assert (error["field"], error["code"]) == ("validate", "unknown_value")
    await assert_nothing_happened(quiet)


async def test_false_registers_as_ever(quiet: World) -> None:
    assert (await validate(quiet, "false")).status == 201


async def test_the_limit_of_a_key_and_its_proof_go_for_it_too(tmp_path: Path) -> None:
    settings = {"GATEWAY_API_KEYS": KEY, "GATEWAY_RATE_LIMIT": "0.001"}
    async with a_world(tmp_path, None, **settings) as world:
        assert_problem(await validate(world), 401)
        headers = {"Authorization": f"Bearer {KEY}"}
        assert (await validate(world, headers=headers)).status == 200
        assert_problem(await validate(world, headers=headers), 429)
        assert_problem(await world.register(headers=headers), 429)
