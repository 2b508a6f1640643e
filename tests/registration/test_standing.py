"""How a registration stands, and what a sign-up is known by."""

import re
from dataclasses import replace

import pytest

from gateway.customer import Profile
from gateway.normalize import email_key
from gateway.registration.intent import SignUp, admission_request, new_id, person_of, read_intent
from gateway.store import Keys
from tests.delivery.heart import TARO
from tests.registration.desk import PROFILE, Desk, a_sign_up, body, down


@pytest.fixture
async def desk() -> Desk:
    return Desk()


PROBLEM = {"type": "invalid-data", "title": "t", "status": 422, "detail": "d"}


async def test_of_an_unknown_one_there_is_nothing_to_tell(desk: Desk) -> None:
    assert await desk.standing.shown("unknown") is None
    assert await desk.standing.answer_of("unknown") is None


async def test_an_accepted_one_is_shown_as_it_stands_now(desk: Desk) -> None:
    desk.link(member_number="900")
    desk.channels["smaregi"].ends = [down()]
    await desk.sign_up()
    row = desk.only
    desk.set(shopify_action=None, warnings='[{"field": "phone"}]', answered=0)
    writes = desk.db.writes
    shown = await desk.standing.shown(row.id)
    assert shown is not None
    assert desk.db.writes == writes, "who looks keeps nobody's commit waiting"
    assert (shown.status, body(shown)["id"]) == (200, row.id)
    assert body(shown)["channels"]["smaregi"]["outcome"] == "retrying"
    assert set(body(shown)["channels"]) == {"smaregi", "crm", "mail"}
    assert body(shown)["shopify_action"] == "created"
    assert body(shown)["warnings"] == [{"field": "phone", "code": "other"}]
    assert body(shown)["shopify_customer_id"] == f"gid://shopify/Customer/{TARO}"
    assert body(shown)["member_number"] == "900"
    assert desk.column("answered") == 0, "who looks is not who sent it"
    again = await desk.standing.answer_of(row.id)
    assert again is not None
    assert (again.status, again.body) == (201, shown.body)
    assert (desk.column("answered"), desk.db.writes) == (1, writes + 1)


async def test_an_adopted_one_says_so(desk: Desk) -> None:
    await desk.sign_up()
    desk.set(shopify_action="adopted")
    assert body(await desk.standing.shown(desk.only.id))["shopify_action"] == "adopted"


async def test_the_number_that_is_owed_is_shown_beforehand(desk: Desk) -> None:
    desk.channels["smaregi"].ends = [down()]
    await desk.sign_up()
    assert body(await desk.standing.shown(desk.only.id))["member_number"] == str(TARO)


async def test_one_that_waits_is_accepted(desk: Desk) -> None:
    await desk.sign_up(later=True)
    shown = await desk.standing.shown(desk.only.id)
    again = await desk.standing.answer_of(desk.only.id)
    assert shown is not None
    assert again is not None
    assert (shown.status, again.status, shown.body) == (200, 202, again.body)
    assert body(shown) | {"channels": {}} == body(shown)
    assert (body(shown)["status"], body(shown)["id"]) == ("accepted", desk.only.id)


async def test_one_that_was_refused_is_shown_with_its_problem(desk: Desk) -> None:
    await desk.sign_up(later=True)
    desk.db.connection.execute(
        "UPDATE registrations SET state = 'rejected', problem = ?",
        ('{"type": "invalid-data", "title": "t", "status": 422, "detail": "d"}',),
    )
    shown = await desk.standing.shown(desk.only.id)
    assert shown is not None
    assert shown.status == 200
    assert (body(shown)["status"], body(shown)["id"]) == ("rejected", desk.only.id)
    assert body(shown)["problem"] == PROBLEM
    again = await desk.standing.answer_of(desk.only.id)
    assert again is not None
    assert again.status == 422
    assert body(again)["type"] == "invalid-data"
    assert body(again)["registration_id"] == desk.only.id


@pytest.mark.parametrize("state", ["open", "unclear"])
async def test_one_that_is_not_known_to_have_ended_is_not_told(desk: Desk, state: str) -> None:
    desk.master.ends = [down()]
    await desk.sign_up()
    desk.set(state=state)
    assert await desk.standing.shown(desk.only.id) is None
    assert await desk.standing.answer_of(desk.only.id) is None


async def test_one_that_was_replaced_shows_what_became_of_the_newer(desk: Desk) -> None:
    await desk.sign_up(later=True)
    first = desk.only.id
    other = SignUp(replace(PROFILE, last_name="佐藤"), email_verified=False, later=True)
    await desk.registrar.register(other)
    newer = next(row.id for row in desk.rows() if row.id != first)
    shown = await desk.standing.shown(first)
    assert body(shown)["id"] == newer


# -- intents


def test_ids_sort_by_time_and_never_meet() -> None:
    first, second = new_id(1000.0), new_id(1000.001)
    assert re.fullmatch(r"[0-9a-f]{32}", first)
    assert first < second
    assert first[:12] == f"{1_000_000:012x}"
    assert len({new_id(1000.0)[12:] for _ in range(100)}) == 100
    several = [new_id(1000.0) for _ in range(64)]
    assert max(int(each[12:], 16) for each in several) >= 2**78
    assert {len(each) for each in several} == {32}


@pytest.mark.parametrize("profile", [PROFILE, Profile("a@example.com", "山田", "太郎")])
def test_what_was_sealed_is_read_again(profile: Profile) -> None:
    keys = Keys("secret")
    opening = admission_request(SignUp(profile, email_verified=False), keys, 1000.0)
    plain = keys.unseal(opening.sealed, opening.id)
    assert plain is not None
    assert read_intent(plain) == profile
    assert keys.unseal(opening.sealed, "another id") is None


def test_an_opening_says_who_and_what_by_keyed_hashes() -> None:
    keys = Keys("secret")
    opening = admission_request(a_sign_up(verified=True, key="caller:k", later=True), keys, 1000.0)
    assert opening.email_hash == keys.email(PROFILE.email)
    assert (opening.email_verified, opening.later, opening.before) == (True, True, ())
    assert (opening.email_hash, opening.body_hash) == person_of(PROFILE, keys)
    assert opening.key is not None
    assert opening.key[:8] == keys.hash(b"caller", "caller")[:8]
    assert opening.key[8:] == keys.hash(b"key", "caller:k")
    assert not admission_request(a_sign_up(), keys, 1000.0).later
    assert admission_request(a_sign_up(), keys, 1000.0).key is None
    assert opening.id[:12] == f"{1_000_000:012x}"


def test_a_sign_up_is_answered_at_once_unless_it_asks_for_less() -> None:
    sign_up = SignUp(PROFILE, email_verified=False)
    assert not admission_request(sign_up, Keys("secret"), 1000.0).later


def test_keys_of_one_caller_begin_alike_and_others_do_not() -> None:
    keys = Keys("secret")
    found = [
        admission_request(a_sign_up(key=key), keys, 1000.0).key or b""
        for key in ("a:1:x", "a:2", "b:1")
    ]
    assert found[0][:8] == found[1][:8] != found[2][:8]
    assert len(set(found)) == 3


def test_two_that_differ_by_the_spelling_of_the_e_mail_are_the_same() -> None:
    keys = Keys("secret")
    other = replace(PROFILE, email=email_key(PROFILE.email))
    assert other != PROFILE
    assert person_of(other, keys) == person_of(PROFILE, keys)
    changed = replace(PROFILE, last_name="佐藤")
    assert person_of(changed, keys)[0] == person_of(PROFILE, keys)[0]
    assert person_of(changed, keys)[1] != person_of(PROFILE, keys)[1]


def test_a_key_is_bound_to_all_that_came_with_it() -> None:
    keys = Keys("secret")
    hashes = {
        admission_request(SignUp(profile, verified, "c:k"), keys, 1000.0).key_hash
        for profile in (PROFILE, replace(PROFILE, last_name="佐藤"))
        for verified in (True, False)
    }
    assert len(hashes) == 4
    opening = admission_request(a_sign_up(key="c:k"), keys, 1000.0)
    assert opening.key_hash not in {opening.body_hash, opening.email_hash}


def test_while_a_secret_is_rotated_the_older_hashes_come_along() -> None:
    old, keys = Keys("old"), Keys("new", "old")
    sign_up = a_sign_up(verified=True, key="c:k")
    (before,) = admission_request(sign_up, keys, 1000.0).before
    known = admission_request(sign_up, old, 1000.0)
    assert (before.email_hash, before.body_hash) == (known.email_hash, known.body_hash)
    assert (before.key, before.key_hash) == (known.key, known.key_hash)
    (before,) = admission_request(a_sign_up(), keys, 1000.0).before
    assert before.key is None


def test_the_hashes_are_named_by_what_they_are_of() -> None:
    """They stand in databases: another name would make every sign-up a new one."""
    keys = Keys("secret")
    opening = admission_request(a_sign_up(key="c:k"), keys, 1000.0)
    import orjson

    same = orjson.dumps(replace(PROFILE, email=email_key(PROFILE.email))).decode()
    assert opening.body_hash == keys.hash(b"body", same)
    assert opening.key_hash == keys.hash(b"key body", f"False {same}")
    (before,) = admission_request(a_sign_up(key="c:k"), Keys("new", "secret"), 1000.0).before
    assert before.body_hash == opening.body_hash
