"""Another shop, contract or account than before gets nothing until a person accepts it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.app.checks import install_webhooks, run_checks
from gateway.channels.smaregi.contract import identify
from gateway.errors import CommandRefused, IdentityError
from gateway.outcomes import Identity, Outcome, Waiting
from gateway.sandbox import Fault, Sandbox
from gateway.store import identities
from tests.app.guard.scene import a_shop, another, contacts, hurry, linked, pass_over, settings_of
from tests.sync.webhooks.webhook import from_shopify, send
from tests.world import World

SYSTEMS = ("shopify", "smaregi", "crm")


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[World]:
    async with a_shop(tmp_path, 3) as world:
        yield world


@pytest.fixture
async def other() -> AsyncIterator[Sandbox]:
    async with another() as sandbox:
        yield sandbox


async def moved(world: World, other: Sandbox, *systems: str) -> None:
    """A restart with the settings of another one."""
    await world.restart(**settings_of(other, *systems))
    hurry(world)
    await world.core.identities.compare_all(SYSTEMS)


def touched(sandbox: Sandbox, system: str) -> list[str]:
    """What a system was asked, beside who it is."""
    asked = (each.operation for each in sandbox.journal.of(system))
    return [each for each in asked if each != "shop" and not each.endswith(("token", "details"))]


async def test_who_they_are_is_written_down_at_the_first_success(shop: World) -> None:
    pinned = await shop.core.db.read(identities.all_of)
    assert pinned.keys() == {"shopify", "smaregi", "crm"}
    assert pinned["smaregi"].id == shop.sandbox.smaregi.options.contract_id
    assert pinned["crm"].id == str(shop.sandbox.hubspot.options.portal_id)
    assert pinned["shopify"].label == shop.sandbox.shopify.options.store


async def test_another_shop_costs_no_record_anywhere(shop: World, other: Sandbox) -> None:
    await moved(shop, other, "shopify")
    with pytest.raises(IdentityError, match="shop accept"):
        await shop.core.reconciliation.once()
    await asyncio.sleep(0.3)
    assert (await linked(shop), contacts(shop.sandbox)) == (3, 3)
    assert touched(other, "shopify") == []


async def test_another_shop_refuses_sign_ups_and_is_not_ready(shop: World, other: Sandbox) -> None:
    await moved(shop, other, "shopify")
    for headers in ({}, {"Prefer": "respond-async"}):
        reply = await shop.register(number=9, headers=headers)
        assert (reply.status, reply.body["type"].rpartition("/")[2]) == (503, "another-shop")
        assert "shop accept" in reply.body["detail"]
    ready = await shop.get("/readyz")
    assert ready.status == 503
    assert "shop accept" in ready.body["detail"]
    hook = await send(shop, "shopify", *from_shopify("customers/update", {"id": 1}))
    assert hook.status == 503
    assert other.shopify.customers == {}
    assert 'gateway_identity_differs{system="shopify"} 1.0' in (await metrics(shop))


async def metrics(world: World) -> str:
    return (await world.core.metrics_text()).decode()


async def test_the_old_settings_put_back_go_on_at_once(shop: World, other: Sandbox) -> None:
    await moved(shop, other, "shopify")
    shop.set(**settings_of(shop.sandbox, "shopify"))
    assert (await shop.register(number=9)).status == 201
    assert (await shop.get("/readyz")).status == 200


async def test_a_reload_compares_before_anything_is_sent(shop: World, other: Sandbox) -> None:
    shop.set(**settings_of(other, "shopify"))
    reply = await shop.register(number=9)
    assert reply.status == 503
    assert other.shopify.customers == {}


@pytest.mark.parametrize(("channel", "systems"), [("smaregi", "smaregi"), ("crm", "crm")])
async def test_another_account_pauses_its_channel_uncounted(
    shop: World, other: Sandbox, channel: str, systems: str
) -> None:
    await moved(shop, other, systems)
    reply = await shop.register(number=9)
    assert reply.status == 201
    (delivery,) = await shop.deliveries(channels=(channel,), outcomes=(Outcome.RETRYING,))
    assert delivery.waiting is Waiting.CHANNEL
    assert delivery.attempts == 0
    assert "shop accept" in (delivery.message or "")
    assert touched(other, channel) == []
    rest = {"smaregi": "crm", "crm": "smaregi"}[channel]
    assert reply.channel(rest)["outcome"] == "delivered"


async def test_what_cannot_be_known_is_no_difference(shop: World) -> None:
    object.__setattr__(shop.sandbox.hubspot.options, "account_details", False)
    await shop.restart()
    assert (await shop.register(number=9)).channel("crm")["outcome"] == "delivered"


async def test_an_upstream_that_is_down_is_compared_before_its_first_call(
    shop: World, other: Sandbox
) -> None:
    other.faults.set("shopify", Fault("status", status=503))
    await moved(shop, other, "shopify")
    assert shop.core.identities.difference("shopify") is None
    assert (await shop.register(number=9)).status == 503
    other.faults.clear()
    assert (await shop.register(number=9)).body["type"].endswith("another-shop")
    assert other.shopify.customers == {}


async def test_while_the_shop_is_another_one_no_channel_is_written_to(
    shop: World, other: Sandbox
) -> None:
    (first, *_) = shop.sandbox.shopify.customers
    await shop.stop()
    shop.settings |= {"GATEWAY_AUTO_REPLAY": "true"} | settings_of(other, "shopify")
    await shop.start()
    await shop.core.events.handlers["shopify"]._parts.erasure.remove(first)  # type: ignore[attr-defined]
    await asyncio.sleep(0.5)
    assert contacts(shop.sandbox) == 3
    shop.set(**settings_of(shop.sandbox, "shopify"))
    await shop.until(lambda: contacts(shop.sandbox) == 2)


# -- shop accept


async def test_accepting_shows_from_and_to_and_takes_over_what_was_seen(
    shop: World, other: Sandbox
) -> None:
    await moved(shop, other, "shopify")
    found = {one.system: one for one in await shop.core.shop_acceptance.look()}
    assert found["smaregi"].state == "same"
    assert found["shopify"].state == "another"
    with pytest.raises(CommandRefused):
        await shop.core.shop_acceptance.accept({"shopify": "gid://shopify/Shop/0"})
    await shop.core.shop_acceptance.accept({"shopify": str(found["shopify"].now)})
    assert (await shop.register(number=9)).status == 201
    assert await linked(shop) == 1
    await pass_over(shop)
    assert contacts(shop.sandbox) == 4  # nothing of the old shop's customers was removed


async def test_another_contract_begins_with_its_own_members(shop: World, other: Sandbox) -> None:
    other.smaregi.add(mailAddress="taro9@example.com", lastName="山田", firstName="太郎")
    await moved(shop, other, "smaregi")
    await shop.register(number=9)
    (one,) = [one for one in await shop.core.shop_acceptance.look() if one.state == "another"]
    await shop.core.shop_acceptance.accept({"smaregi": str(one.now)})
    await shop.settled()
    await shop.until(lambda: shop.core.smaregi.index.ready)
    await shop.replay()
    (delivery,) = await shop.deliveries(
        channels=("smaregi",), customer_id=max(shop.sandbox.shopify.customers)
    )
    assert delivery.outcome is Outcome.DELIVERED
    assert delivery.action == "linked"
    assert len(other.smaregi.members) == 1


async def test_check_and_webhooks_install_say_that_it_is_another(
    shop: World, other: Sandbox
) -> None:
    await moved(shop, other, "shopify", "crm")
    shop.settings["GATEWAY_PUBLIC_URL"] = "https://gateway.example.com"
    shop.live.reload()
    found = {each.name: each for each in await run_checks(shop.live)}
    assert not found["Shopify"].ok
    assert "shop accept" in found["Shopify"].detail
    assert not found["CRM"].ok
    assert "999" in found["CRM"].detail
    with pytest.raises(CommandRefused, match="another one"):
        await install_webhooks(shop.live)
    assert other.shopify.store.subscriptions == {}


def test_a_place_that_is_not_known_is_no_difference() -> None:
    assert Identity("a", "production").differs(Identity("a", "sandbox"))
    assert not Identity("a", "production").differs(Identity("a"))
    assert Identity("a").differs(Identity("b"))
    assert not Identity("a", label="old.example.com").differs(Identity("a", label="new.example"))


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://api.smaregi.jp", "production"),
        ("https://api.smaregi.dev", "sandbox"),
        ("http://127.0.0.1:1", ""),
    ],
)
async def test_smaregis_host_tells_production_and_sandbox_apart(
    shop: World, url: str, place: str
) -> None:
    shop.settings["SMAREGI_API_URL"] = url
    smaregi = shop.core.smaregi
    shop.live.reload()
    found = await identify(smaregi, smaregi._context)
    assert found.place == place
