"""Fields that are wrong, odd or nonsense: each is told by its name, and nothing breaks."""

import json
from typing import Any

import pytest

from gateway.normalize import Placeholder
from gateway.wording import Code
from gateway.wording import Fault as Wrong
from tests.e2e.evidence import assert_problem, fields_of, rows_in
from tests.e2e.raw_bodies import assert_nothing_happened, send
from tests.world import World, registration

ADDRESS = registration()["address"]
LONGEST_EMAIL = "aaaa@" + "b" * 60 + (".c" + "d" * 60) * 3 + ".jp"


WRONG: dict[str, tuple[dict[str, Any], set[str]]] = {
    "nothing": (dict.fromkeys(registration()), {"email", "last_name", "first_name"}),
    "no e-mail": ({"email": None}, {"email"}),
    "no last name": ({"last_name": None}, {"last_name"}),
    "no first name": ({"first_name": None}, {"first_name"}),
    "empty e-mail": ({"email": ""}, {"email"}),
    "e-mail without @": ({"email": "taro.example.com"}, {"email"}),
    "e-mail with two @": ({"email": "taro@x@example.com"}, {"email"}),
    "e-mail without domain": ({"email": "taro@"}, {"email"}),
    "e-mail with a NUL": ({"email": "ta\0ro@example.com"}, {"email"}),
    "e-mail with a newline": ({"email": "taro@example.com\n"}, {"email"}),
    "e-mail with a DEL": ({"email": "taro@example.com\x7f"}, {"email"}),
    "e-mail with a bidi mark": ({"email": "\u202etaro@example.com"}, {"email"}),
    "e-mail with no width": ({"email": "taro\u200b@example.com"}, {"email"}),
    "e-mail without dot": ({"email": "taro@localhost"}, {"email"}),
    "e-mail with a line break": ({"email": "taro@example.com\r\nBcc: x@example.jp"}, {"email"}),
    "e-mail with a name": ({"email": "Taro <taro@example.com>"}, {"email"}),
    "e-mail as a number": ({"email": 1}, {"email"}),
    "e-mail as a list": ({"email": ["taro@example.com"]}, {"email"}),
    "e-mail part of 65": ({"email": "a" * 65 + "@example.com"}, {"email"}),
    "e-mail of 255": ({"email": "a" + LONGEST_EMAIL}, {"email"}),
    "verified as text": ({"email_verified": "true"}, {"email_verified"}),
    "verified as a number": ({"email_verified": 1}, {"email_verified"}),
    "empty last name": ({"last_name": ""}, {"last_name"}),
    "blank last name": ({"last_name": " \u3000\u200b"}, {"last_name"}),
    "last name as a number": ({"last_name": 5}, {"last_name"}),
    "first name as an object": ({"first_name": {"ja": "太郎"}}, {"first_name"}),
    "last name of 256": ({"last_name": "山" * 256}, {"last_name"}),
    "first name of 256": ({"first_name": "太" * 256}, {"first_name"}),
    "kana as a number": ({"last_kana": 1}, {"last_kana"}),
    "kana as a list": ({"first_kana": []}, {"first_kana"}),
    "kana in kanji": ({"last_kana": "山田"}, {"last_kana"}),
    "kana in Latin letters": ({"first_kana": "Taro"}, {"first_kana"}),
    "kana of a sign": ({"first_kana": "ー"}, {"first_kana"}),
    "phone of letters": ({"phone": "abc"}, {"phone"}),
    "phone as a number": ({"phone": 9012345678}, {"phone"}),
    "birth date written otherwise": ({"birth_date": "01/04/1990"}, {"birth_date"}),
    "no such day": ({"birth_date": "1990-02-30"}, {"birth_date"}),
    "born tomorrow": ({"birth_date": "2999-01-01"}, {"birth_date"}),
    "birth date as a number": ({"birth_date": 19900401}, {"birth_date"}),
    "full-width birth date": ({"birth_date": "１９９０-０４-０１"}, {"birth_date"}),
    "another gender": ({"gender": "男"}, {"gender"}),
    "gender as a number": ({"gender": 1}, {"gender"}),
    "address as text": ({"address": "東京都渋谷区"}, {"address"}),
    "address as a list": ({"address": [ADDRESS]}, {"address"}),
    "no such country": ({"address": ADDRESS | {"country": "ZZ"}}, {"address.country"}),
    "short postal code": ({"address": ADDRESS | {"postal_code": "123"}}, {"address.postal_code"}),
    "no such prefecture": ({"address": ADDRESS | {"prefecture": "江戸"}}, {"address.prefecture"}),
    "JP-48": ({"address": ADDRESS | {"prefecture": "JP-48"}}, {"address.prefecture"}),
    "city as a number": ({"address": ADDRESS | {"city": 1}}, {"address.city"}),
    "unknown part of an address": ({"address": ADDRESS | {"address3": "x"}}, {"address.address3"}),
    "consent as text": ({"accepts_marketing": "on"}, {"accepts_marketing"}),
    "no such locale": ({"locale": "日本語"}, {"locale"}),
    "locale as a list": ({"locale": ["ja"]}, {"locale"}),
    "unknown field": ({"emial": "taro@example.com"}, {"emial"}),
    "field in another case": ({"Email": "taro@example.com"}, {"Email"}),
    "everything": (
        {
            "email": "x",
            "email_verified": "no",
            "last_name": "",
            "first_name": None,
            "last_kana": 1,
            "first_kana": 2,
            "phone": "x",
            "birth_date": "x",
            "gender": "x",
            "address": {"country": "JP", "postal_code": "x", "prefecture": "x"},
            "accepts_marketing": "no",
            "locale": "?",
            "nonsense": 1,
        },
        {
            "email",
            "email_verified",
            "last_name",
            "first_name",
            "last_kana",
            "first_kana",
            "phone",
            "birth_date",
            "gender",
            "address.postal_code",
            "address.prefecture",
            "accepts_marketing",
            "locale",
            "nonsense",
        },
    ),
    "a whole address": (
        {"address": dict.fromkeys(ADDRESS, 5)},
        {f"address.{name}" for name in ADDRESS},
    ),
    "an address field that is wrong beside one of a wrong type": (
        {"address": ADDRESS | {"prefecture": "江戸", "city": 5}},
        {"address.prefecture", "address.city"},
    ),
}


@pytest.mark.parametrize(("changes", "fields"), WRONG.values(), ids=WRONG.keys())
@pytest.mark.asyncio(loop_scope="session")
async def test_every_wrong_field_is_listed_once(
    untouched: World, changes: dict[str, Any], fields: set[str]
) -> None:
    reply = await untouched.register(**changes)
    assert_problem(reply, 422)
    assert sorted(fields_of(reply)) == sorted(fields)
    assert all(error["code"] in set(Code) for error in reply.body["errors"])
    told = {error["message"] for error in reply.body["errors"]}
    assert "" not in told
    assert Wrong.NOT_VALID.text.en not in told, "that is for what nobody thought of"
    values = registration(**changes)
    again = await untouched.post("/v1/registrations", values, headers={"Accept-Language": "ja"})
    codes = [(error["field"], error["code"]) for error in reply.body["errors"]]
    assert [(error["field"], error["code"]) for error in again.body["errors"]] == codes
    assert not told & {error["message"] for error in again.body["errors"]}
    assert "taro" not in reply.raw.decode()  # a message tells what is wrong, never the value
    await assert_nothing_happened(untouched)


TEXTS = ("email", "last_name", "first_name", "last_kana", "first_kana", "phone", "birth_date")


FIELDS = (*TEXTS, "gender", "locale", *(f"address.{name}" for name in ADDRESS))


@pytest.mark.parametrize(
    "text", ["あ" * 10_000, "\ud800", "太\udfff郎"], ids=["long", "lone", "in"]
)
@pytest.mark.asyncio(loop_scope="session")
async def test_10_000_characters_or_half_of_one_are_told_under_the_fields_name(
    untouched: World, text: str
) -> None:
    for field in FIELDS:
        outer, _, inner = field.partition(".")
        value = ADDRESS | {inner: text} if inner else text
        reply = await send(untouched, json.dumps(registration() | {outer: value}).encode())
        assert_problem(reply, 422)
        assert fields_of(reply) == [field]
    await assert_nothing_happened(untouched)


@pytest.mark.asyncio(loop_scope="session")
async def test_half_of_a_character_in_a_fields_name_is_an_unknown_field(untouched: World) -> None:
    reply = await send(untouched, json.dumps(registration() | {"name\ud800": "x"}).encode())
    assert_problem(reply, 422)
    assert len(reply.body["errors"]) == 1
    await assert_nothing_happened(untouched)


TAKEN: dict[str, dict[str, Any]] = {
    "names of 255": {"last_name": "山" * 255, "first_name": "太" * 255},
    "kana of 255": {"last_kana": "ア" * 255, "first_kana": "イ" * 255},
    "e-mail part of 64": {"email": "a" * 64 + "@example.com"},
    "e-mail of 254": {"email": LONGEST_EMAIL},
    "required alone": dict.fromkeys(registration().keys() - {"email", "last_name", "first_name"}),
    "null is no value": {"phone": None, "gender": None},
    "emoji in the name": {"first_name": "太郎🍣", "address": None},
    "a rare character": {"last_name": "𠮷田", "first_name": "髙﨑"},
    "an old carrier's address": {"email": "ab..cd.@docomo.ne.jp"},
    "an old carrier's address in quotes": {"email": '"ab..cd."@docomo.ne.jp'},
    "prefecture in English": {"address": ADDRESS | {"prefecture": "Tokyo"}},
    "prefecture as a code": {"address": ADDRESS | {"prefecture": "JP-13"}},
    "English": {"locale": "en"},
}


@pytest.mark.parametrize("changes", TAKEN.values(), ids=TAKEN.keys())
async def test_what_real_people_are_called_is_taken_by_every_system(
    quiet: World, changes: dict[str, Any]
) -> None:
    values = registration() | changes
    reply = await quiet.post("/v1/registrations", values)
    assert reply.status == 201, reply.raw
    assert reply.body["status"] == "complete", reply.body["channels"]


async def test_emoji_in_an_address_is_422_with_the_fields_name(quiet: World) -> None:
    reply = await quiet.register(address=ADDRESS | {"address1": "道玄坂1-2-3🍣"})
    assert_problem(reply, 422)
    assert fields_of(reply) == ["address.address1"]
    assert quiet.sandbox.journal.applied() == []
    assert await rows_in(quiet, "registrations") == await rows_in(quiet, "intents") == 0


NONSENSE: dict[str, dict[str, Any]] = {
    "no place on earth": {
        "address": {"city": "ああああ市", "address1": "？？？-??-!!", "address2": "-"}
    },
    "everything in the wrong field": {
        "address": {"city": "5F", "address1": "〒", "address2": "東京都", "prefecture": "大阪"}
    },
    "signs alone": {"address": {"city": "-", "address1": "ー", "address2": "…"}},
    "a number alone": {"address": {"address1": "1"}},
    "255 characters": {"address": dict.fromkeys(("city", "address1", "address2"), "丁" * 255)},
    "255 digits": {"address": {"address1": "9" * 255, "address2": "九" * 255}},
    "a mail address in the name": dict.fromkeys(("last_name", "first_name"), "taro@example.com"),
    "a name of signs": {"last_name": "-", "first_name": "＊", "last_kana": "-", "first_kana": "。"},
    "kana in Greek": {"last_kana": "Ωμέγα", "first_kana": "🍣"},
    "right to left": {"last_name": "\u202eabc"},
    "joined and combined": {"first_name": "👨\u200d👩\u200d👧", "last_kana": "か\u3099\u3099"},
    "controls": {"last_name": "山\u0000田\u0007", "first_name": "太\t\r\n郎"},
    "a number nobody has": {"phone": "000-0000-0000"},
    "what we fill in ourselves": {
        "email": "minyuryoku@example.invalid",
        "last_name": "未入力",
        "birth_date": "1900-01-01",
    },
}


@pytest.mark.parametrize("changes", NONSENSE.values(), ids=NONSENSE.keys())
async def test_nonsense_is_taken_or_refused_with_its_field_and_never_breaks_anything(
    quiet: World, changes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is linked by it either: a member with our own placeholders stays alone."""
    world = quiet
    world.sandbox.smaregi.add(lastName="未入力", firstName="-", mailAddress=Placeholder.EMAIL)
    reply = await world.register(**changes)
    if reply.status == 422:
        assert {field.partition(".")[0] for field in fields_of(reply)} <= changes.keys()
    else:
        assert reply.status == 201, reply.raw
        refused = {"crm"} if str(changes.get("email")).endswith(".invalid") else set()
        ends = {name: each["outcome"] for name, each in reply.body["channels"].items()}
        assert {name for name, outcome in ends.items() if outcome != "delivered"} == refused
        assert reply.channel("smaregi")["action"] == "created"
    assert not [record for record in caplog.records if record.exc_info], caplog.text


@pytest.mark.parametrize("key", ["", "x" * 256, "ключ"])
@pytest.mark.asyncio(loop_scope="session")
async def test_a_key_that_is_no_idempotency_key_is_refused(untouched: World, key: str) -> None:
    reply = await untouched.register(headers={"Idempotency-Key": key})
    assert_problem(reply, 400)
    await assert_nothing_happened(untouched)
