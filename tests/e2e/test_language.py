"""Errors in the language that a caller asks for; answers that are none look at no header."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.http import middleware
from gateway.responses.bodies import waiting
from gateway.sandbox import Fault
from tests.e2e.evidence import assert_problem
from tests.registration.deferred.later import becomes
from tests.world import TARO, Reply, World

JA = {"Accept-Language": "ja,en;q=0.5"}
CREATE = "customerCreate"


def is_japanese(text: str) -> bool:
    return any("ぁ" <= char <= "ヶ" or "一" <= char <= "龠" for char in text)


def assert_japanese(reply: Reply, status: int, kind: str) -> None:
    assert_problem(reply, status, kind)
    assert is_japanese(reply.body["title"])
    assert is_japanese(reply.body["detail"])
    assert all(is_japanese(error["message"]) for error in reply.body.get("errors", ()))
    assert reply.headers["Content-Language"] == "ja"
    assert reply.headers["Vary"] == "Accept-Language"


def refused(path: str, message: str) -> Fault:
    payload = {"customer": None, "userErrors": [{"field": ["input", path], "message": message}]}
    return Fault("status", status=200, body={"data": {CREATE: payload}}, match=CREATE)


Ask = Callable[[World, dict[str, str]], Awaitable[Reply]]
PROBLEMS: dict[str, tuple[Ask, int, str]] = {
    "no such path": (lambda w, h: w.get("/v1/nothing", headers=h), 404, "not-found"),
    "no such method": (
        lambda w, h: w.patch("/v1/registrations", headers=h),
        405,
        "method-not-allowed",
    ),
    "not JSON": (lambda w, h: w.post("/v1/registrations", [], headers=h), 400, "not-json"),
    "wrong fields": (lambda w, h: w.post("/v1/registrations", {}, headers=h), 422, "invalid-data"),
    "no registration": (lambda w, h: w.get("/v1/registrations/x", headers=h), 404, "not-found"),
    "no customer": (lambda w, h: w.patch("/v1/customers/7", {}, headers=h), 404, "not-found"),
    "no id": (lambda w, h: w.patch("/v1/customers/x", {}, headers=h), 404, "not-found"),
    "no member": (lambda w, h: w.get("/v1/customers/7/points", headers=h), 404, "no-member"),
    "no card": (lambda w, h: w.get("/v1/customers/7/card.svg", headers=h), 404, "no-card"),
    "no format": (
        lambda w, h: w.get("/v1/customers/7/card.svg?format=x", headers=h),
        422,
        "invalid-data",
    ),
    "wrong address": (
        lambda w, h: w.register(headers=h | {"X-Client-Address": "x"}),
        400,
        "invalid-client-address",
    ),
    "wrong key": (
        lambda w, h: w.register(headers=h | {"Idempotency-Key": ""}),
        400,
        "invalid-idempotency-key",
    ),
    "another site": (lambda w, h: w.register(headers=h | {"Origin": "http://x"}), 403, "forbidden"),
    "no filter": (
        lambda w, h: w.get("/v1/deliveries?outcome=x&since=x&limit=0&x=1", headers=h),
        401,
        "unauthorized",
    ),
    "forged": (lambda w, h: w.post("/webhooks/shopify", {}, headers=h), 401, "unauthorized"),
}


async def test_a_problem_is_told_in_japanese_where_it_is_asked_for(quiet: World) -> None:
    for ask, status, kind in PROBLEMS.values():
        assert_japanese(await ask(quiet, JA), status, kind)
        english = await ask(quiet, {})
        assert_problem(english, status, kind)
        assert english.raw.isascii() or "東京都" in english.raw.decode()
        assert english.headers["Content-Language"] == "en"


async def test_what_goes_well_never_looks_at_the_language(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked(_: str) -> Any:
        raise AssertionError

    monkeypatch.setattr(middleware, "preferred", looked)
    reply = await quiet.register(headers=JA)
    assert reply.status == 201
    assert "Content-Language" not in reply.headers
    shown = await quiet.get(f"/v1/registrations/{reply.body['id']}", headers=JA)
    assert shown.status == 200


async def test_registered_already_names_the_e_mail_in_either_language(quiet: World) -> None:
    quiet.sandbox.shopify.add_customer(email=TARO["email"], state="ENABLED")
    english = await quiet.register()
    assert_problem(english, 409, "already-registered")
    (error,) = english.body["errors"]
    assert (error["field"], error["code"]) == ("email", "taken")
    assert_japanese(await quiet.register(headers=JA), 409, "already-registered")


async def test_a_repeated_409_is_the_same_to_the_byte_in_the_language_of_the_first(
    quiet: World,
) -> None:
    quiet.sandbox.shopify.add_customer(email=TARO["email"], state="ENABLED")
    for language in (JA, {}):
        headers = {"Idempotency-Key": "k1", **language}
        first = await quiet.register(headers=headers)
        again = await quiet.register(headers=headers)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert first.raw == again.raw


@pytest.mark.parametrize(
    ("path", "words", "field", "code"),
    [
        (
            "firstName",
            "First name is too long (maximum is 255)",
            "first_name",
            "too_long",
        ),
        ("lastName", "Last name cannot contain HTML tags", "last_name", "not_allowed"),
        ("locale", "Locale fell from the moon", "locale", "refused"),
        ("tax", "Tax is odd", "tax", "refused"),
    ],
)
async def test_shopifys_own_words_reach_no_customer(
    quiet: World, path: str, words: str, field: str, code: str
) -> None:
    quiet.sandbox.faults.set("shopify", refused(path, words))
    english, told = await quiet.register(), await quiet.register(headers=JA)
    assert_japanese(told, 422, "invalid-data")
    for reply in (english, told):
        (error,) = reply.body["errors"]
        assert (error["field"], error["code"]) == (field, code)
        assert words not in reply.raw.decode()


async def test_a_sign_up_that_waits_says_when_to_ask_and_its_refusal_is_translated(
    quiet: World,
) -> None:
    quiet.sandbox.shopify.add_customer(email=TARO["email"], state="ENABLED")
    reply = await quiet.register(headers={"Prefer": "respond-async"})
    assert (reply.status, reply.headers["Retry-After"]) == (202, "5")
    assert waiting(reply.body["id"]).headers["Retry-After"] == "5"
    shown = await becomes(quiet, reply, "rejected", seconds=20.0)
    assert "Retry-After" not in shown.headers
    told = (await quiet.get(reply.headers["Location"], headers=JA)).body["problem"]
    assert told["type"] == shown.body["problem"]["type"] == "already-registered"
    assert is_japanese(told["title"])
    assert is_japanese(told["detail"])
    assert not is_japanese(shown.body["problem"]["title"])
    (error,) = told["errors"]
    assert (error["field"], error["code"]) == ("email", "taken")
    assert is_japanese(error["message"])


async def test_a_warning_has_a_code_and_is_in_the_language_that_is_asked_for(world: World) -> None:
    english = await world.register(locale="pt_BR")
    assert english.headers["Content-Language"] == "en"
    for reply in (
        await world.register(locale="pt_BR", headers=JA),
        await world.get(f"/v1/registrations/{english.body['id']}", headers=JA),
    ):
        assert reply.headers["Content-Language"] == "ja"
        assert reply.headers["Vary"] == "Accept-Language"
        (warning,), (same,) = reply.body["warnings"], english.body["warnings"]
        assert (warning["field"], warning["code"]) == (same["field"], same["code"])
        assert (same["code"], is_japanese(same["message"])) == ("no_mail_language", False)
        assert is_japanese(warning["message"])
        assert {**reply.body, "warnings": []} == {**english.body, "warnings": []}


async def test_without_a_warning_a_success_has_no_language(world: World) -> None:
    reply = await world.register(headers=JA)
    assert (reply.status, reply.body["warnings"]) == (201, [])
    assert "Content-Language" not in reply.headers


async def test_a_repeated_key_is_told_in_the_language_of_each_request(world: World) -> None:
    """Equal requests get equal bytes; who asks in another language gets the same answer in it."""
    key = {"Idempotency-Key": "a-key"}
    english = await world.register(locale="pt_BR", headers=key)
    japanese, repeated, again = [
        await world.register(locale="pt_BR", headers=key | more) for more in (JA, JA, {})
    ]
    assert again.raw == english.raw
    assert repeated.raw == japanese.raw != english.raw
    assert {r.headers.get("Idempotent-Replayed") for r in (japanese, repeated, again)} == {"true"}
