"""A customer changes, signs in or opts out: what the other systems have then."""

from tests.sync.webhooks.lives import at_the_till, contacts, signed_up, writes
from tests.sync.webhooks.webhook import arrived, from_shopify, send
from tests.world import World


async def test_a_change_in_the_admin_reaches_the_till_and_the_crm_and_its_echoes_end(
    hooked: World,
) -> None:
    customer = await signed_up(hooked)
    before = writes(hooked)
    hooked.sandbox.shopify.edit_customer(customer, lastName="佐藤")
    await hooked.until(lambda: at_the_till(hooked)["lastName"] == "佐藤")
    await hooked.until(lambda: contacts(hooked)[0]["lastname"] == "佐藤")
    await arrived(hooked)
    assert writes(hooked) == before + 2


async def test_the_webhooks_of_our_own_registration_write_nothing(hooked: World) -> None:
    await signed_up(hooked)
    before = writes(hooked)
    raw, headers = from_shopify(
        "customers/update", {"id": next(iter(hooked.sandbox.shopify.customers))}
    )
    await send(hooked, "shopify", raw, headers)
    await arrived(hooked)
    assert writes(hooked) == before
    assert [d.kind for d in await hooked.deliveries()] == ["registration"] * 3


async def test_opting_out_of_mail_reaches_the_till_whatever_the_flags_say(
    hooked: World,
) -> None:
    customer = await signed_up(hooked)
    assert at_the_till(hooked)["mailReceiveFlag"] == "1"
    hooked.set(FLAG_UPDATES="off", FLAG_SMAREGI="hold")
    shopify = hooked.sandbox.shopify
    shopify.store.set_consent(shopify.customers[customer], {"marketingState": "UNSUBSCRIBED"})
    await hooked.until(lambda: at_the_till(hooked)["mailReceiveFlag"] == "0")


async def test_a_first_sign_in_proves_the_e_mail_and_links_the_member_that_waited(
    hooked: World,
) -> None:
    hooked.set(SMAREGI_LINK_UNVERIFIED="false")
    hooked.sandbox.smaregi.add(
        customerCode="0012345", lastName="山田", firstName="太郎", mailAddress="taro@example.com"
    )
    reply = await hooked.register(email_verified=False)
    assert reply.channel("smaregi")["error_class"] == "conflict"
    await arrived(hooked)
    assert at_the_till(hooked)["customerCode"] == "0012345"
    customer = int(reply.body["shopify_customer_id"].rpartition("/")[2])
    hooked.sandbox.shopify.enable(customer)
    await hooked.until(lambda: at_the_till(hooked)["customerCode"] == str(customer))
