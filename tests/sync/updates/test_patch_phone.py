"""A phone is changed: read by the customer's country, kept aside where it is taken."""

from tests.e2e.evidence import assert_problem, fields_of, told
from tests.sync.updates.patching import member, patch, registered, shopify
from tests.world import World

FRANCE = {"country": "FR", "postal_code": "75001", "city": "Paris", "address1": "1 Rue de Rivoli"}


async def test_a_phone_alone_is_read_by_the_country_of_shopifys_address(world: World) -> None:
    number = await registered(world, phone="", address=FRANCE)
    reply = await patch(world, number, phone="06 12 34 56 78")
    assert (reply.status, reply.body["warnings"]) == (200, [])
    assert shopify(world, number).phone == "+33612345678"
    assert member(world)["mobileNumber"] == "+33 6 12 34 56 78"


async def test_a_phone_that_is_none_abroad_is_kept_as_written_with_a_warning(world: World) -> None:
    number = await registered(world, phone="", address=FRANCE)
    reply = await patch(world, number, phone="090-1234-5678")
    assert reply.status == 200
    assert [warning["field"] for warning in reply.body["warnings"]] == ["phone"]
    assert not shopify(world, number).phone
    assert member(world)["phoneNumber"] == "090-1234-5678"


async def test_a_phone_alone_that_is_none_in_japan_is_422_and_changes_nothing(
    world: World,
) -> None:
    number = await registered(world)
    world.sandbox.journal.clear()
    reply = await patch(world, number, phone="212-555-0100", last_name="佐藤")
    assert_problem(reply, 422, "invalid-data")
    assert fields_of(reply) == ["phone"]
    assert list(world.sandbox.journal.writes("shopify")) == told(world) == []


async def test_a_taken_phone_is_kept_aside_with_a_warning(world: World) -> None:
    await registered(world, email="wife@example.com", phone="090-7777-6666")
    number = await registered(world)
    reply = await patch(world, number, phone="090-7777-6666")
    assert reply.status == 200
    assert [warning["field"] for warning in reply.body["warnings"]] == ["phone"]
    record = shopify(world, number)
    assert record.phone is None
    assert record.addresses[0].phone == "+819077776666"
    assert record.metafield("registration", "phone") == "090-7777-6666"
    assert world.sandbox.smaregi.members[2]["mobileNumber"] == "090-7777-6666"
    back = await patch(world, number, phone="090-1234-5678")
    assert back.body["warnings"] == []
    assert shopify(world, number).phone == "+819012345678"
    assert shopify(world, number).metafield("registration", "phone") is None
