"""A gateway that cannot know that it is the only one writes nowhere, and goes on once it can."""

from tests.e2e.evidence import assert_problem, everything_arrived_once, told
from tests.world import World


async def test_without_trust_a_sign_up_is_503_and_nothing_is_sent(world: World) -> None:
    trust = [False]
    world.core.wire.edge._trusted = lambda: trust[0]
    reply = await world.register()
    assert_problem(reply, 503, "storage-unavailable")
    assert world.sandbox.shopify.customers == {}
    assert told(world) == []
    trust[0] = True
    again = await world.register()
    assert (again.status, again.body["status"]) == (201, "complete")
    assert everything_arrived_once(world)


async def test_what_was_owed_when_the_trust_went_follows_when_it_is_back(world: World) -> None:
    trust, made = [True], world.sandbox.shopify.customers
    world.core.wire.edge._trusted = lambda: trust[0] and not made
    reply = await world.register()
    assert (reply.status, reply.body["status"]) == (201, "partial"), reply.body
    assert told(world) == []
    await world.settled()
    world.core.wire.edge._trusted = lambda: True
    await world.make_due()
    await world.until(lambda: everything_arrived_once(world))
