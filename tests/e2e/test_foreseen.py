"""What a sign-up will read of Smaregi is read beside Shopify's call."""

import asyncio

from gateway.sandbox import Fault
from tests.people import FORM
from tests.world import Reply, World


async def at_shopify(world: World) -> "asyncio.Task[Reply]":
    """A sign-up whose answer of Shopify comes once the faults are cleared."""
    world.sandbox.faults.set("shopify", Fault("hang", match="customerCreate", times=1))
    waiting = asyncio.create_task(world.register())
    await world.until(lambda: world.sandbox.faults.listing()["shopify"][-1]["left"] == 0)
    return waiting


async def test_smaregi_says_what_changed_while_shopify_is_asked(quick: World) -> None:
    member = quick.sandbox.smaregi.add(
        customerCode="A", lastName="山田", firstName="太郎", mailAddress=FORM["email"]
    )
    waiting = await at_shopify(quick)
    await quick.until(lambda: quick.sandbox.journal.of("smaregi", "GET /customers"))
    assert quick.sandbox.shopify.customers == {}
    quick.sandbox.faults.clear()
    reply = await waiting
    assert reply.channel("smaregi")["action"] == "linked"
    assert reply.channel("smaregi")["reference"] == str(member)
