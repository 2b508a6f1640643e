"""The master fails: 503 and nothing sent, or a lost answer that is found again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox import Fault, SandboxOptions, ShopifyOptions
from tests.e2e.evidence import (
    QUICK,
    AlertBox,
    armed,
    assert_problem,
    everything_arrived_once,
    fields_of,
    personal_data_in,
    rows_in,
    started_quietly,
    told,
)
from tests.world import TARO, Reply, World, a_world, registration

CREATE, UPDATE = "customerCreate", "customerUpdate"


def graphql(*codes: str, data: Any = None) -> Fault:
    """Errors inside a 200."""
    errors = [{"message": f"{TARO['email']}!", "extensions": {"code": code}} for code in codes]
    return Fault("status", status=200, body={"data": data, "errors": errors})


def user_error(*path: str, message: str = "is invalid") -> Fault:
    payload = {"customer": None, "userErrors": [{"field": ["input", *path], "message": message}]}
    body = {"data": {CREATE: payload}}
    return Fault("status", status=200, body=body, match=CREATE, times=1)


FAILURES: dict[str, tuple[Fault, str]] = {
    "refused": (Fault("refuse"), "connection"),
    "reset": (Fault("reset"), "connection"),
    "hang": (Fault("hang"), "timeout"),
    "401": (Fault("status", status=401), "auth"),
    "403": (Fault("status", status=403), "auth"),
    "423": (Fault("status", status=423), "unavailable"),
    "429": (Fault("status", status=429), "rate_limit"),
    "430": (Fault("status", status=430), "rate_limit"),
    "500": (Fault("status", status=500), "unavailable"),
    "503": (Fault("status", status=503, body="<html>Sorry</html>"), "unavailable"),
    "garbage": (Fault("garbage"), "unexpected"),
    "half a body": (Fault("half"), "connection"),
    "not an answer": (Fault("status", status=200, body=[]), "unexpected"),
    "no payload": (Fault("status", status=200, body={"data": {CREATE: None}}), "unexpected"),
    "access denied": (graphql("ACCESS_DENIED", data={CREATE: None}), "auth"),
    "error in a 200": (graphql("INTERNAL_SERVER_ERROR"), "unavailable"),
    "throttled beyond the deadline": (Fault("throttle"), "rate_limit"),
}


@pytest.mark.parametrize(("fault", "error_class"), FAILURES.values(), ids=FAILURES.keys())
async def test_shopify_failing_is_503_nothing_is_sent_and_administrators_are_told(
    impatient: World, alerts: AlertBox, fault: Fault, error_class: str
) -> None:
    impatient.sandbox.faults.set("shopify", fault)
    reply = await impatient.register()
    assert_problem(reply, 503)
    assert int(reply.headers["Retry-After"]) >= 1
    assert told(impatient) == []
    assert await impatient.deliveries() == []
    await impatient.until(lambda: alerts.about("Shopify", error_class))
    assert personal_data_in(" ".join(alerts.texts) + reply.raw.decode()) == []
    impatient.sandbox.faults.clear()
    again = await impatient.register()
    assert again.status == 201, again.raw
    await impatient.until(lambda: everything_arrived_once(impatient))
    await impatient.settled()
    assert [d.outcome for d in await impatient.deliveries()] == ["delivered"] * 3
    assert await rows_in(impatient, "intents") == 0


async def test_shopify_down_since_the_start_is_503_too(tmp_path: Path) -> None:
    async with a_world(tmp_path, None, **QUICK) as world:
        await started_quietly(world)
        await world.stop()
        world.sandbox.faults.set("shopify", Fault("refuse"))
        await world.start()
        assert_problem(await world.register(), 503)
        assert (await world.get("/readyz")).status == 200
        world.sandbox.faults.clear()
        assert (await world.register()).status == 201


async def test_a_wait_that_shopify_asks_for_is_handed_on(quick: World) -> None:
    wait = {"Retry-After": "7"}
    quick.sandbox.faults.set("shopify", Fault("status", status=429, headers=wait))
    assert (await quick.register()).headers["Retry-After"] == "7"


async def test_an_hour_of_waiting_for_points_is_503_at_once(tmp_path: Path) -> None:
    options = SandboxOptions(shopify=ShopifyOptions(restore=0.01))
    async with a_world(tmp_path, options, **QUICK) as world:
        await started_quietly(world)
        world.sandbox.shopify.bucket.drain()
        began = asyncio.get_running_loop().time()
        assert_problem(await world.register(), 503)
        assert asyncio.get_running_loop().time() - began < 5
        assert told(world) == []


async def test_throttled_briefly_is_waited_out_from_the_numbers_in_the_answer(
    quick: World,
) -> None:
    quick.sandbox.faults.set("shopify", Fault("throttle", match=CREATE, times=1, retry_after=0.2))
    reply = await quick.register()
    assert reply.status == 201, reply.raw
    throttled, taken = quick.sandbox.journal.of("shopify", CREATE)
    assert (throttled.applied, taken.applied) == (False, True)
    assert 0.05 <= taken.time - throttled.time < 1.0


async def test_a_drained_bucket_is_waited_for_without_being_throttled_again(quick: World) -> None:
    await quick.register(number=1)
    quick.sandbox.shopify.bucket.drain()
    assert (await quick.register(number=2)).status == 201
    throttled = [e for e in quick.sandbox.journal.of("shopify", CREATE) if not e.applied]
    assert len(throttled) <= 1


async def test_the_answer_comes_by_the_deadline_though_a_call_may_take_longer(
    tmp_path: Path,
) -> None:
    settings = {"GATEWAY_UPSTREAM_TIMEOUT": "8", "GATEWAY_RESPONSE_DEADLINE": "1"}
    async with a_world(tmp_path, None, **settings) as world:
        await started_quietly(world)
        world.sandbox.faults.set("shopify", Fault("hang"))
        began = asyncio.get_running_loop().time()
        reply = await world.register()
        assert asyncio.get_running_loop().time() - began < 4
        assert_problem(reply, 503)
        world.sandbox.faults.clear()


# -- lost answers


@pytest.mark.parametrize(
    "fault",
    [
        Fault("drop", match=CREATE, times=1),
        Fault("half", match=CREATE, times=1),
        Fault("status", status=500, match=CREATE, times=1, applied=True),
        Fault("garbage", match=CREATE, times=1, applied=True),
        Fault("reset", match=CREATE, times=1, applied=True),
        Fault("slow", match=CREATE, times=1, delay=1.2),
        Fault("late", match=CREATE, times=1, delay=0.2),
    ],
    ids=["drop", "half", "500", "garbage", "reset", "slow", "late"],
)
async def test_a_lost_answer_is_found_again_by_our_own_id(impatient: World, fault: Fault) -> None:
    impatient.sandbox.faults.set("shopify", fault)
    reply = await impatient.register()
    assert reply.status == 201, reply.raw
    assert reply.body["shopify_action"] == "created"
    assert everything_arrived_once(impatient)
    assert len(impatient.sandbox.journal.of("shopify", CREATE)) == 1


async def test_a_customer_who_comes_after_the_503_is_finished_and_never_created_again(
    quick: World,
) -> None:
    quick.sandbox.faults.set("shopify", Fault("late", match=CREATE, times=1, delay=2.5))
    reply = await quick.register()
    assert_problem(reply, 503)
    assert told(quick) == []
    assert (await quick.get(f"/v1/registrations/{reply.body['registration_id']}")).status == 404
    await quick.until(lambda: everything_arrived_once(quick))
    await quick.settled()
    shown = await quick.get(f"/v1/registrations/{reply.body['registration_id']}")
    assert shown.status == 200
    assert shown.body["status"] == "complete"
    assert len(quick.sandbox.journal.of("shopify", CREATE)) == 1
    assert await rows_in(quick, "intents") == 0


# -- what Shopify refuses


REFUSALS = {
    "email": ("email",),
    "first_name": ("firstName",),
    "last_name": ("lastName",),
    "locale": ("locale",),
    "accepts_marketing": ("emailMarketingConsent", "marketingState"),
    "address.postal_code": ("addresses", "0", "zip"),
    "address.prefecture": ("addresses", "0", "provinceCode"),
    "address.country": ("addresses", "0", "countryCode"),
    "address.city": ("addresses", "0", "city"),
    "address.address1": ("addresses", "0", "address1"),
    "address.address2": ("addresses", "0", "address2"),
    "last_kana": ("metafields", "0", "value"),
    "first_kana": ("metafields", "1", "value"),
    "birth_date": ("metafields", "4", "value"),
}


@pytest.mark.parametrize(("field", "path"), REFUSALS.items(), ids=REFUSALS.keys())
async def test_what_shopify_refuses_is_422_with_our_fields_name(
    quick: World, field: str, path: tuple[str, ...]
) -> None:
    quick.sandbox.faults.set("shopify", user_error(*path))
    reply = await quick.register()
    assert_problem(reply, 422)
    assert fields_of(reply) == [field]
    assert told(quick) == []
    assert await rows_in(quick, "registrations") == await rows_in(quick, "intents") == 0
    assert (await quick.register()).status == 201


async def test_an_old_carrier_address_that_shopify_refuses_is_422_on_email(tmp_path: Path) -> None:
    options = SandboxOptions(shopify=ShopifyOptions(carrier_addresses=False))
    async with a_world(tmp_path, options) as world:
        reply = await world.register(email="ab..cd@docomo.ne.jp")
        assert_problem(reply, 422)
        assert fields_of(reply) == ["email"]
        assert "docomo" not in reply.raw.decode()
        assert told(world) == []


# -- somebody is there already


async def test_an_email_of_an_enabled_customer_is_409_already_registered(quick: World) -> None:
    quick.sandbox.shopify.add_customer(email="Taro@Example.com", state="ENABLED")
    reply = await quick.register()
    assert_problem(reply, 409, "already-registered")
    assert told(quick) == []
    assert await rows_in(quick, "registrations") == await rows_in(quick, "intents") == 0
    (customer,) = quick.sandbox.shopify.customers.values()
    assert customer.last_name is None


async def test_somebody_whom_we_registered_is_409_with_other_data(quick: World) -> None:
    assert (await quick.register()).status == 201
    before = len(quick.sandbox.journal.applied())
    assert_problem(await quick.register(first_name="次郎"), 409, "already-registered")
    assert len(quick.sandbox.journal.applied()) == before


def guest(world: World, **fields: Any) -> Any:
    return world.sandbox.shopify.add_customer(email=TARO["email"], number_of_orders=1, **fields)


def subscribed(state: str) -> dict[str, str]:
    level = {"marketingOptInLevel": "SINGLE_OPT_IN"} if state == "SUBSCRIBED" else {}
    return {"marketingState": state, **level}


async def test_a_guest_is_adopted_and_goes_to_every_channel(quick: World) -> None:
    customer = guest(quick)
    reply = await quick.register()
    assert (reply.status, reply.body["shopify_action"]) == (201, "adopted")
    assert reply.body["shopify_customer_id"] == customer.gid
    assert reply.body["status"] == "complete"
    assert everything_arrived_once(quick)
    assert (customer.last_name, customer.first_name) == ("山田", "太郎")
    assert customer.phone == "+819012345678"
    assert customer.default_address.city == "渋谷区"
    assert customer.metafield("registration", "id") == reply.body["id"]
    assert customer.metafield("facts", "birth_date") == "1990-04-01"
    assert_problem(await quick.register(first_name="次郎"), 409, "already-registered")


async def test_adopting_overwrites_nothing(quick: World) -> None:
    old = {"namespace": "facts", "key": "birth_date", "type": "date", "value": "1980-01-01"}
    customer = guest(
        quick,
        firstName="Hanako",
        lastName="Sato",
        phone="+819099999999",
        addresses=[{"city": "札幌市", "address1": "北1条", "countryCode": "JP"}],
        metafields=[old],
        note="常連",
        tags=["vip"],
    )
    assert (await quick.register()).body["shopify_action"] == "adopted"
    assert (customer.first_name, customer.last_name) == ("Hanako", "Sato")
    assert customer.phone == "+819099999999"
    assert [address.city for address in customer.addresses] == ["札幌市"]
    assert customer.metafield("facts", "birth_date") == "1980-01-01"
    assert customer.metafield("registration", "last_kana") == "ヤマダ"
    assert (customer.note, customer.tags) == ("常連", ["vip"])


async def test_a_guest_takes_no_consent_address_or_birth_date_of_an_unproven_e_mail(
    quick: World,
) -> None:
    customer = guest(quick)
    reply = await quick.register(email_verified=False)
    assert (reply.status, reply.body["shopify_action"]) == (201, "adopted")
    assert [warning["field"] for warning in reply.body["warnings"]] == [
        "accepts_marketing",
        "address",
        "birth_date",
    ]
    assert (customer.last_name, customer.addresses) == ("山田", [])
    assert customer.metafield("facts", "birth_date") is None
    assert customer.consent.state == "NOT_SUBSCRIBED"
    (member,) = quick.sandbox.smaregi.members.values()
    assert (member["mailReceiveFlag"], member.get("birthDate") or "") == ("0", "")


async def test_an_unproven_guests_phone_abroad_is_no_number_in_japan(quick: World) -> None:
    customer = guest(quick)
    paris = {"country": "FR", "postal_code": "75001", "city": "Paris", "address1": "1 rue A"}
    reply = await quick.register(
        email_verified=False, phone="06 12 34 56 78", address=paris, birth_date=None
    )
    assert reply.body["shopify_action"] == "adopted"
    assert customer.phone == "+33612345678"


@pytest.mark.parametrize(
    ("before", "ticked", "after"),
    [
        (None, True, "SUBSCRIBED"),
        ("UNSUBSCRIBED", True, "SUBSCRIBED"),
        ("SUBSCRIBED", True, "SUBSCRIBED"),
        ("SUBSCRIBED", False, "SUBSCRIBED"),
        ("UNSUBSCRIBED", False, "UNSUBSCRIBED"),
        (None, False, "NOT_SUBSCRIBED"),
    ],
)
async def test_a_ticked_consent_subscribes_and_an_unticked_one_never_unsubscribes(
    quick: World, before: str | None, ticked: bool, after: str
) -> None:
    given = {} if before is None else {"emailMarketingConsent": subscribed(before)}
    customer = guest(quick, **given)
    reply = await quick.register(accepts_marketing=ticked)
    assert reply.body["shopify_action"] == "adopted"
    assert customer.consent.state == after
    (member,) = quick.sandbox.smaregi.members.values()
    assert member["mailReceiveFlag"] == str(int(after == "SUBSCRIBED"))


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", status=500, match=UPDATE),
        Fault("reset", match=UPDATE),
        Fault("drop", match=UPDATE),
        Fault("status", status=500, match="customerEmailMarketingConsentUpdate"),
    ],
    ids=["500", "reset", "applied and lost", "consent"],
)
async def test_a_half_done_adoption_is_simply_done_again(quick: World, fault: Fault) -> None:
    customer = guest(quick)
    quick.sandbox.faults.set("shopify", fault)
    first = await quick.register()
    assert first.status in {201, 503}
    assert first.status == 201 or told(quick) == []
    quick.sandbox.faults.clear()
    again = await quick.register()
    assert again.status == 201, again.raw
    assert again.body["shopify_customer_id"] == customer.gid
    assert customer.consent.state == "SUBSCRIBED"
    assert customer.metafield("registration", "id") == again.body["id"]
    await quick.until(lambda: everything_arrived_once(quick))


async def test_reject_makes_a_guest_a_409(tmp_path: Path) -> None:
    async with a_world(tmp_path, None, SHOPIFY_EXISTING_CUSTOMER="reject") as world:
        customer = guest(world)
        assert_problem(await world.register(), 409, "already-registered")
        assert customer.last_name is None
        assert told(world) == []


# -- phones


def assert_phone_kept_elsewhere(world: World, reply: Reply, *, on_address: bool) -> None:
    assert reply.status == 201, reply.raw
    assert [warning["field"] for warning in reply.body["warnings"]] == ["phone"]
    customer = world.sandbox.shopify.store.by_email(TARO["email"])
    assert customer is not None
    assert customer.phone is None
    kept = customer.default_address.phone if customer.default_address else None
    if on_address:
        assert kept == "+819012345678"
    else:
        found = customer.metafield("registration", "phone")
        assert (found or "").replace("-", "") in {"09012345678", "+819012345678"}
    (member,) = world.sandbox.smaregi.members.values()
    assert member["mobileNumber"] == "090-1234-5678"


@pytest.mark.parametrize("on_address", [True, False])
async def test_a_phone_of_somebody_else_costs_no_registration(
    quick: World, on_address: bool
) -> None:
    quick.sandbox.shopify.add_customer(email="hanako@example.jp", phone="+819012345678")
    body = registration() if on_address else registration(address=None)
    reply = await quick.post("/v1/registrations", body)
    assert_phone_kept_elsewhere(quick, reply, on_address=on_address)
    shown = await quick.get(f"/v1/registrations/{reply.body['id']}")
    assert shown.body["warnings"] == reply.body["warnings"]


async def test_a_phone_that_shopify_refuses_costs_no_registration(quick: World) -> None:
    quick.sandbox.faults.set("shopify", user_error("phone", message="Phone is invalid"))
    assert_phone_kept_elsewhere(quick, await quick.register(), on_address=True)


async def test_a_taken_phone_and_a_taken_email_are_409(quick: World) -> None:
    quick.sandbox.shopify.add_customer(email=TARO["email"], phone="+819012345678", state="ENABLED")
    assert_problem(await quick.register(), 409, "already-registered")


async def test_a_guest_adopted_with_a_phone_of_somebody_else_is_warned_about(
    quick: World,
) -> None:
    guest(quick)
    quick.sandbox.shopify.add_customer(email="hanako@example.jp", phone="+819012345678")
    reply = await quick.register()
    assert reply.body["shopify_action"] == "adopted"
    assert_phone_kept_elsewhere(quick, reply, on_address=True)


# -- tokens


def grant(world_options: ShopifyOptions, **changes: str) -> dict[str, str]:
    return {
        "SHOPIFY_ACCESS_TOKEN": "",
        "SHOPIFY_CLIENT_ID": world_options.client_id,
        "SHOPIFY_CLIENT_SECRET": world_options.client_secret,
        **QUICK,
        **changes,
    }


async def test_the_client_credentials_grant_is_asked_for_once_and_again_on_401(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path, None, **grant(ShopifyOptions())) as world:
        both = await asyncio.gather(world.register(number=1), world.register(number=2))
        assert [reply.status for reply in both] == [201, 201]
        assert len(world.sandbox.journal.of("shopify", "token")) == 1
        world.sandbox.shopify.grants.expire()
        assert (await world.register(number=3)).status == 201
        assert len(world.sandbox.journal.of("shopify", "token")) == 2
        assert len(world.sandbox.shopify.customers) == 3


async def test_a_token_is_renewed_before_it_ends(tmp_path: Path) -> None:
    options = SandboxOptions(shopify=ShopifyOptions(token_seconds=1))
    async with a_world(tmp_path, options, **grant(ShopifyOptions())) as world:
        assert (await world.register(number=1)).status == 201
        await asyncio.sleep(1.0)
        world.sandbox.journal.clear()
        assert (await world.register(number=2)).status == 201
        assert [e.status for e in world.sandbox.journal.of("shopify") if e.status == 401] == []


async def test_credentials_that_shopify_does_not_know_are_503_and_told(
    tmp_path: Path, alerts: AlertBox
) -> None:
    wrong = grant(ShopifyOptions(), SHOPIFY_CLIENT_SECRET="wrong", ALERT_WEBHOOK_URL=alerts.url)
    async with a_world(tmp_path, None, **wrong) as world:
        assert_problem(await world.register(), 503)
        await world.until(lambda: alerts.about("Shopify", "auth"))
        assert told(world) == []
        world.set(SHOPIFY_CLIENT_SECRET=ShopifyOptions().client_secret)
        assert (await world.register()).status == 201


# -- administrators


async def test_a_hundred_failures_of_a_kind_are_one_message(quick: World, alerts: AlertBox) -> None:
    quick.sandbox.faults.set("shopify", Fault("refuse"))
    await asyncio.gather(*(quick.register(number=n) for n in range(1, 101)))
    await quick.until(lambda: alerts.texts)
    assert len(alerts.texts) == 1
    quick.sandbox.faults.clear()
    quick.sandbox.faults.set("shopify", Fault("status", status=401))
    assert_problem(await quick.register(), 503)
    await quick.until(lambda: len(alerts.texts) == 2)
    assert armed(quick, "shopify") == [None]


@asynccontextmanager
async def saying_nothing() -> AsyncIterator[str]:
    """A target that takes the message and never says a word."""
    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: writers.append(writer), "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        for writer in writers:
            writer.close()


@pytest.mark.parametrize("silent", [False, True], ids=["closed", "silent"])
async def test_a_broken_alert_target_hurts_nothing(quick: World, silent: bool) -> None:
    async with saying_nothing() if silent else nullcontext("http://127.0.0.1:9/closed") as target:
        quick.set(ALERT_WEBHOOK_URL=target)
        quick.sandbox.faults.set("shopify", Fault("refuse"))
        began = asyncio.get_running_loop().time()
        assert_problem(await quick.register(), 503)
        quick.sandbox.faults.clear()
        assert (await quick.register()).status == 201
        assert asyncio.get_running_loop().time() - began < 3, "a target is given 5 s"
