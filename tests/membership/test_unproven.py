"""A store member linked by an e-mail that nobody has proven gives nothing away and takes nothing
on; once the e-mail is proven all of that happens by itself.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox import Fault
from tests.duplicates.mending import customer_of, link_of, member, store_member, told
from tests.sync.webhooks.conftest import connect
from tests.sync.webhooks.webhook import arrived
from tests.world import Reply, World, a_world


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(tmp_path) as world:
        await connect(world)
        yield world


async def stranger(shop: World, **settings: str) -> tuple[int, int]:
    """Somebody signs up with the address of a member of the store: customer and member."""
    if settings:
        shop.set(**settings)
    till = store_member(shop, customerCode="0012345")
    reply = await shop.register(email_verified=False)
    assert reply.channel("smaregi")["action"] == "linked", reply.body
    return customer_of(reply), till


async def ask(shop: World, customer: int, what: str) -> Reply:
    return await shop.get(f"/v1/customers/{customer}/{what}")


async def eventually(check: Callable[[], Awaitable[Any]]) -> None:
    async with asyncio.timeout(30):
        while not await check():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("what", ["points", "card.svg", "card.svg?format=qr"])
async def test_points_and_card_are_not_told(shop: World, what: str) -> None:
    customer, _ = await stranger(shop)
    reply = await ask(shop, customer, what)
    assert (reply.status, reply.body["type"]) == (403, "email-not-proven")


async def test_the_number_of_a_card_is_not_told(shop: World) -> None:
    shop.set(SMAREGI_LINK_FIELD="customerNo")
    till = store_member(shop, customerCode="0012345")
    reply = await shop.register(email_verified=False)
    customer = customer_of(reply)
    assert reply.body["member_number"] is None
    shown = await shop.get(f"/v1/registrations/{reply.body['id']}")
    changed = await shop.patch(f"/v1/customers/{customer}", {"phone": "090-0000-1111"})
    assert [each.body["member_number"] for each in (shown, changed)] == [None, None]
    assert "0012345" not in (shown.raw + changed.raw).decode()
    (mail,) = shop.sandbox.mail.messages
    assert "0012345" not in f"{mail.body('plain')}{mail.body('html')}"
    assert member(shop, till)["customerCode"] == "0012345"


async def test_a_number_that_is_no_cards_may_be_told(shop: World) -> None:
    store_member(shop)
    reply = await shop.register(email_verified=False)
    assert reply.body["member_number"] == str(customer_of(reply))


async def test_no_profile_change_is_written_to_the_member(shop: World) -> None:
    customer, till = await stranger(shop)
    before = member(shop, till)
    change = {"last_name": "佐藤", "phone": "090-9999-8888", "accepts_marketing": False}
    changed = await shop.patch(f"/v1/customers/{customer}", change)
    assert changed.status == 200
    assert "smaregi" not in changed.body["channels"]
    shop.sandbox.shopify.edit_customer(customer, firstName="次郎")
    await eventually(lambda: _crm_has(shop, "次郎"))
    await shop.settled()
    assert member(shop, till) == before
    assert before["customerNo"] == "0012345"  # where the till finds the old number


async def _crm_has(shop: World, name: str) -> bool:
    return any(
        c.properties.get("firstname") == name for c in shop.sandbox.hubspot.contacts.values()
    )


async def _by_patch(shop: World, customer: int) -> None:
    await shop.patch(f"/v1/customers/{customer}", {"email_verified": True})


async def _by_sign_up(shop: World, _customer: int) -> None:
    await shop.register(email_verified=True)


async def _by_other_sign_up(shop: World, _customer: int) -> None:
    assert (await shop.register(email_verified=True, phone="090-1111-2222")).status == 409


async def _by_sign_in(shop: World, customer: int) -> None:
    shop.sandbox.shopify.enable(customer)


async def _by_a_person(shop: World, customer: int) -> None:
    link = await link_of(shop, customer)
    done = await told(shop.core.linking.link(customer, int(link.reference)))
    assert done.code == 0, done


@pytest.mark.parametrize(
    "prove", [_by_patch, _by_sign_up, _by_other_sign_up, _by_sign_in, _by_a_person]
)
async def test_everything_happens_once_the_e_mail_is_proven(
    shop: World, prove: Callable[[World, int], Awaitable[None]]
) -> None:
    customer, till = await stranger(shop)
    if prove is not _by_sign_up:  # whose answer is the registration's only with the same data
        await shop.patch(f"/v1/customers/{customer}", {"last_name": "佐藤"})
        assert member(shop, till)["lastName"] == "山田"
    await prove(shop, customer)

    async def shown() -> bool:
        return (await ask(shop, customer, "points")).status == 200

    await eventually(shown)
    assert (await ask(shop, customer, "card.svg")).status == 200
    if prove is not _by_sign_up:
        await shop.until(lambda: member(shop, till)["lastName"] == "佐藤")
    later = await shop.patch(f"/v1/customers/{customer}", {"last_name": "鈴木"})
    assert later.channel("smaregi")["outcome"] == "delivered"
    assert member(shop, till)["lastName"] == "鈴木"


async def test_who_proves_another_address_has_not_proven_this_one(shop: World) -> None:
    customer, till = await stranger(shop)
    own = {"email": "own@example.com", "email_verified": True}
    assert (await shop.patch(f"/v1/customers/{customer}", own)).status == 200
    shop.sandbox.shopify.enable(customer)
    await shop.settled()
    assert (await ask(shop, customer, "points")).status == 403
    assert member(shop, till)["mailAddress"] == "taro@example.com"


async def test_a_first_sign_in_proves_no_e_mail_that_comes_later(shop: World) -> None:
    """Staff give the customer another address afterwards, which a member of the store has."""
    shop.set(FLAG_SMAREGI="hold")
    customer = customer_of(await shop.register(email_verified=False, email="own@example.com"))
    shop.sandbox.shopify.enable(customer)
    await eventually(lambda: _is_proven(shop, customer))
    till = store_member(shop)
    shop.sandbox.shopify.edit_customer(customer, email="taro@example.com")
    shop.set(FLAG_SMAREGI="on")
    await eventually(lambda: _is_linked(shop, customer))
    assert (await link_of(shop, customer)).reference == str(till)
    assert (await ask(shop, customer, "points")).status == 403


async def _is_proven(shop: World, customer: int) -> bool:
    def unit(db: Any) -> Any:
        return db.execute("SELECT 1 FROM proofs WHERE customer_id = ?", (customer,)).fetchone()

    return await shop.core.db.read(unit) is not None


async def _is_linked(shop: World, customer: int) -> bool:
    return await link_of(shop, customer) is not None


async def test_a_lost_answer_to_the_linking_gives_nothing_away(shop: World) -> None:
    till = store_member(shop, customerCode="0012345")
    shop.set(GATEWAY_RETRY_SCHEDULE="60")
    fault = Fault("drop", match=f"PATCH /customers/{till}", times=1)
    shop.sandbox.faults.set("smaregi", fault)
    reply = await shop.register(email_verified=False)
    customer = customer_of(reply)
    assert reply.channel("smaregi")["outcome"] == "retrying"
    assert member(shop, till)["customerCode"] == str(customer)
    for what in ("points", "card.svg"):
        assert (await ask(shop, customer, what)).status == 403
    assert await shop.replay(channel=["smaregi"]) == 1
    assert (await link_of(shop, customer)).reference == str(till)
    assert (await ask(shop, customer, "points")).status == 403
    await _by_patch(shop, customer)
    assert (await ask(shop, customer, "points")).status == 200


async def test_what_is_proven_while_the_member_is_being_linked_counts(shop: World) -> None:
    till = store_member(shop)
    shop.set(GATEWAY_RESPONSE_DEADLINE="0.5")
    shop.sandbox.faults.set("smaregi", Fault("hang", match=f"PATCH /customers/{till}"))
    customer = customer_of(await shop.register(email_verified=False))
    await shop.core.delivery.proofs.prove(customer, shop.core.keys.emails("taro@example.com"))
    shop.sandbox.faults.clear()
    await eventually(lambda: _is_linked(shop, customer))
    assert (await ask(shop, customer, "points")).status == 200


async def test_a_member_of_our_own_making_needs_no_proof(shop: World) -> None:
    customer = customer_of(await shop.register(email_verified=False))
    assert (await ask(shop, customer, "points")).status == 200
    await shop.patch(f"/v1/customers/{customer}", {"last_name": "佐藤"})
    assert [m["lastName"] for m in shop.sandbox.smaregi.members.values()] == ["佐藤"]


async def test_what_the_till_changes_of_an_unproven_member_stays_there(tmp_path: Path) -> None:
    async with a_world(tmp_path, SMAREGI_SYNC_CHANGES="true") as shop:
        await connect(shop)
        customer, till = await stranger(shop)
        shop.sandbox.smaregi.edit(till, mobileNumber="080-7777-6666")
        await arrived(shop)
        assert shop.sandbox.shopify.customers[customer].phone != "+818077776666"
        await _by_patch(shop, customer)
        shop.sandbox.smaregi.edit(till, mobileNumber="080-7777-5555")
        await arrived(shop)
        assert shop.sandbox.shopify.customers[customer].phone == "+818077775555"


# -- the same e-mail, another given name


ANOTHER: dict[str, Any] = {"first_name": "花子", "first_kana": "ハナコ"}


async def test_another_given_name_in_each_form_is_a_possible_duplicate(shop: World) -> None:
    till = store_member(shop, lastKana="ヤマダ", firstKana="タロウ", birthDate="1990-04-01")
    reply = await shop.register(email_verified=False, **ANOTHER)
    assert reply.channel("smaregi")["action"] == "created"
    assert member(shop, till)["customerCode"] == "0012"

    async def noticed() -> bool:
        def unit(db: Any) -> Any:
            return db.execute("SELECT low_id FROM duplicates WHERE state = 'open'").fetchall()

        return [row[0] for row in await shop.core.db.read(unit)] == [till]

    await eventually(noticed)


@pytest.mark.parametrize(
    ("at_the_till", "told"),
    [
        ({"lastKana": "ヤマダ", "firstKana": "タロウ"}, {"first_name": "太朗"}),
        ({}, ANOTHER),
        ({"lastKana": "スズキ", "firstKana": "タロウ", "lastName": "鈴木"}, {}),
        ({"lastKana": "ヤマダ", "firstKana": "タロウ"}, {"first_name": "Taro", "first_kana": None}),
    ],
    ids=["another spelling", "no kana at the till", "married", "Latin letters"],
)
async def test_less_than_that_is_linked(
    shop: World, at_the_till: dict[str, str], told: dict[str, Any]
) -> None:
    store_member(shop, **at_the_till)
    reply = await shop.register(email_verified=False, **told)
    assert reply.channel("smaregi")["action"] == "linked"


async def test_a_proven_e_mail_is_stronger_than_a_name(shop: World) -> None:
    store_member(shop, lastKana="ヤマダ", firstKana="タロウ")
    reply = await shop.register(email_verified=True, **ANOTHER)
    assert reply.channel("smaregi")["action"] == "linked"
