"""GET /v1/postal-codes/{code} and POST /v1/normalize, for forms: nothing sent, nothing kept."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from gateway.http import access
from gateway.http.forms.normalized import normalized
from tests.e2e.evidence import assert_problem
from tests.e2e.raw_bodies import assert_nothing_happened
from tests.world import TARO, World, a_world

KEY = "the-storefronts-own-key"
SHIBUYA = {"prefecture": "東京都", "city": "渋谷区", "town": "道玄坂"}


@pytest.mark.parametrize("code", ["1500043", "150-0043", "１５０－００４３", "〒150-0043"])
async def test_a_postal_code_in_any_form_says_where_it_is(quiet: World, code: str) -> None:
    reply = await quiet.get(f"/v1/postal-codes/{quote(code)}")
    assert reply.status == 200
    assert reply.body == {"postal_code": "150-0043", "places": [SHIBUYA]}
    await assert_nothing_happened(quiet)


async def test_a_code_of_several_towns_shows_each_and_one_of_none_shows_no_town(
    quiet: World,
) -> None:
    several = (await quiet.get("/v1/postal-codes/029-5513")).body["places"]
    assert len({place["town"] for place in several}) == len(several) == 7
    for code in ("100-0000", "100-8111"):
        (place,) = (await quiet.get(f"/v1/postal-codes/{code}")).body["places"]
        assert place == {"prefecture": "東京都", "city": "千代田区", "town": None}


async def test_what_is_no_code_and_a_code_of_nowhere_are_told_apart(quiet: World) -> None:
    wrong = await quiet.get("/v1/postal-codes/12")
    assert_problem(wrong, 422, "invalid-data")
    (error,) = wrong.body["errors"]
    assert (error["field"], error["code"]) == ("postal_code", "format")
    assert_problem(await quiet.get("/v1/postal-codes/000-0000"), 404, "not-found")


async def test_a_browser_may_keep_a_postal_code_for_a_day(quiet: World) -> None:
    first = await quiet.get("/v1/postal-codes/150-0043")
    assert first.headers["Cache-Control"] == "private, max-age=86400"
    tag = first.headers["ETag"]
    again = await quiet.get("/v1/postal-codes/1500043", headers={"If-None-Match": tag})
    assert (again.status, again.raw) == (304, b"")


@pytest.mark.parametrize(
    "body",
    [
        TARO,
        {"last_kana": "やまだ"},
        {"last_kana": "山田", "nosuch": 1, "address": {"city": "浦和市"}},
        {"text": "東京都渋谷区道玄坂1丁目2番3号 ABCビル5F"},
        {"text": 5},
        {},
    ],
)
async def test_it_answers_as_the_command_does(quiet: World, body: dict[str, Any]) -> None:
    reply = await quiet.post("/v1/normalize", body)
    assert reply.status == 200
    assert reply.body == normalized(json.dumps(body).encode())
    assert reply.headers["Cache-Control"] == "no-store"
    told = await quiet.post("/v1/normalize", body, headers={"Accept-Language": "ja"})
    for ours, theirs in zip(reply.body["errors"], told.body["errors"], strict=True):
        assert ours["code"] == theirs["code"]
        assert ours["message"] != theirs["message"]
    await assert_nothing_happened(quiet)


async def test_what_is_no_json_object_is_400_and_no_json_at_all_415(quiet: World) -> None:
    assert_problem(await quiet.post("/v1/normalize", []), 400, "not-json")
    async with quiet.session.post(quiet.url + "/v1/normalize", data=b"{}") as response:
        assert response.status == 415
    assert_problem(await quiet.post("/v1/normalize", {"text": "x" * 70_000}), 413, "too-large")


async def test_forms_have_a_key_and_a_limit_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "_USUAL", 0.001)
    settings = {"GATEWAY_API_KEYS": KEY, "GATEWAY_RATE_LIMIT": "0.001"}
    async with a_world(tmp_path, None, **settings) as world:
        assert_problem(await world.get("/v1/postal-codes/150-0043"), 401)
        assert_problem(await world.post("/v1/normalize", {}), 401)
        headers = {"Authorization": f"Bearer {KEY}"}
        path = "/v1/postal-codes/150-0043"
        assert (await world.get(path, headers=headers)).status == 200
        refused = await world.get(path, headers=headers)
        assert_problem(refused, 429, "too-many-requests")
        assert int(refused.headers["Retry-After"]) >= 1
        assert_problem(await world.post("/v1/normalize", {}, headers=headers), 429)
        assert (await world.register(headers=headers)).status == 201, "counted apart"
