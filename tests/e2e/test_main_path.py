"""A registration reaches every system, through the real front door."""

import asyncio

from tests.world import TARO, World


async def test_a_registration_reaches_shopify_smaregi_the_crm_and_the_mailbox(
    world: World,
) -> None:
    reply = await world.register()
    assert reply.status == 201
    assert reply.body["status"] == "complete"
    assert reply.body["shopify_action"] == "created"
    assert reply.body["warnings"] == []
    (customer_id,) = world.sandbox.shopify.customers
    assert reply.body["shopify_customer_id"] == f"gid://shopify/Customer/{customer_id}"
    assert reply.body["member_number"] == str(customer_id)
    (member,) = world.sandbox.smaregi.members.values()
    assert member["customerCode"] == str(customer_id)
    assert member["mailAddress"] == TARO["email"]
    assert member["lastKana"] == "ヤマダ"
    assert member["mobileNumber"] == "090-1234-5678"
    assert member["address"] == "東京都渋谷区道玄坂1-2-3 ABCビル 5F"
    assert member["sex"] == "1"
    assert member["mailReceiveFlag"] == "1"
    (contact,) = world.sandbox.hubspot.contacts.values()
    assert contact.properties["shopify_customer_id"] == str(customer_id)
    assert contact.properties["last_name_kana"] == "ヤマダ"
    (mail,) = world.sandbox.mail.messages
    assert str(customer_id) in (mail.body("plain") or "")
    assert "レジ" in (mail.body("html") or "")
    assert reply.channel("smaregi") == {
        "outcome": "delivered",
        "action": "created",
        "reference": "1",
    }
    assert reply.channel("crm")["action"] == "created"
    assert reply.channel("email")["action"] == "sent"
    assert reply.channel("email")["reference"] == mail.message_id


async def test_the_registration_can_be_asked_for_as_it_stands(world: World) -> None:
    created = await world.register()
    shown = await world.get(f"/v1/registrations/{created.body['id']}")
    assert shown.status == 200
    assert shown.body == created.body
    assert (await world.get("/v1/registrations/unknown")).status == 404


async def test_shopify_gets_kana_birth_date_and_gender_as_metafields(world: World) -> None:
    reply = await world.register()
    (customer,) = world.sandbox.shopify.customers.values()
    metafields = {f"{f.namespace}.{f.key}": f.value for f in customer.metafields.values()}
    assert metafields == {
        "registration.id": reply.body["id"],
        "registration.last_kana": "ヤマダ",
        "registration.first_kana": "タロウ",
        "registration.gender": "male",
        "registration.locale": "ja",
        "facts.birth_date": "1990-04-01",
    }


async def test_the_time_to_answer_is_shopifys_plus_the_slowest_channels(world: World) -> None:
    await world.register(number=1)  # tokens, properties and connections are there already
    world.sandbox.delays["shopify"] = 0.3
    world.sandbox.delays.total("smaregi", 0.4)
    world.sandbox.delays["crm"] = 0.3
    world.sandbox.delays["email"] = 0.05
    began = asyncio.get_running_loop().time()
    reply = await world.register(number=2)
    assert reply.body["status"] == "complete"
    assert 0.7 <= asyncio.get_running_loop().time() - began < 1.0, "not their sum"


async def test_a_caller_who_hangs_up_cancels_nothing(world: World) -> None:
    world.sandbox.delays["shopify"] = 0.3
    task = asyncio.create_task(world.register())
    await world.until(lambda: world.core.registrar._running)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await world.until(lambda: len(world.sandbox.mail.messages) == 1)
    await world.settled()
    assert [d.outcome for d in await world.deliveries()] == ["delivered"] * 3
