"""SMAREGI_LINK_UNVERIFIED=false: linking waits until the e-mail is known to be theirs."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.outcomes import Outcome
from gateway.sandbox import Fault
from tests.duplicates.mending import customer_of, link_of, member, store_member, told
from tests.world import World, a_world


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(tmp_path, SMAREGI_LINK_UNVERIFIED="false") as world:
        yield world


async def proven(world: World, customer: int) -> None:
    await world.core.delivery.proofs.prove(customer, world.core.keys.emails("taro@example.com"))


async def linked(world: World, customer: int) -> str:
    """The member, once the worker has linked it."""
    async with asyncio.timeout(30):
        while (found := await link_of(world, customer)) is None:
            await asyncio.sleep(0.01)
    return str(found.reference)


async def test_a_later_sign_up_that_says_so_releases_what_waits(strict: World) -> None:
    till = store_member(strict)
    first = await strict.register(email_verified=False)
    assert first.channel("smaregi")["error_class"] == "conflict"
    again = await strict.register(email_verified=True)
    assert again.status == 201
    assert again.body["id"] == first.body["id"]
    assert again.channel("smaregi")["outcome"] in {"pending", "delivered"}
    assert await linked(strict, customer_of(first)) == str(till)
    mails = await strict.deliveries(channels=("email",))
    assert [mail.attempts for mail in mails] == [1]


async def test_a_sign_up_with_other_data_that_is_refused_proves_the_address_too(
    strict: World,
) -> None:
    till = store_member(strict)
    first = await strict.register(email_verified=False)
    again = await strict.register(email_verified=True, phone="090-1111-2222")
    assert again.status == 409
    assert await linked(strict, customer_of(first)) == str(till)


async def test_an_unverified_repetition_releases_nothing(strict: World) -> None:
    store_member(strict)
    first = await strict.register(email_verified=False)
    for phone in ("090-1234-5678", "090-1111-2222"):
        await strict.register(email_verified=False, phone=phone)
    (delivery,) = await strict.deliveries(channels=("smaregi",))
    assert (delivery.outcome, delivery.attempts) == (Outcome.FAILED, 1)
    assert await strict.replay(id=[delivery.id]) == 1
    (delivery,) = await strict.deliveries(channels=("smaregi",))
    assert delivery.outcome is Outcome.FAILED
    done = await told(strict.core.linking.link(customer_of(first), 1))
    assert done.code == 0, done
    assert member(strict, 1)["customerCode"] == str(customer_of(first))


async def test_what_is_proven_during_an_attempt_counts(strict: World) -> None:
    """The attempt began without knowing; it ends in a conflict that is over already."""
    store_member(strict)
    strict.set(GATEWAY_RESPONSE_DEADLINE="0.5")
    strict.sandbox.faults.set("smaregi", Fault("hang", match="GET /customers"))
    first = await strict.register(email_verified=False)
    assert first.channel("smaregi")["outcome"] == "pending"
    await proven(strict, customer_of(first))
    strict.sandbox.faults.clear()
    assert await linked(strict, customer_of(first)) == "1"


async def test_other_conflicts_stay_as_they_are(strict: World) -> None:
    store_member(strict, status="1")
    first = await strict.register(email_verified=False)
    await proven(strict, customer_of(first))
    await strict.settled()
    (delivery,) = await strict.deliveries(channels=("smaregi",))
    assert "suspended" in (delivery.message or "")
    assert await link_of(strict, customer_of(first)) is None


async def test_what_was_said_of_one_address_does_not_count_for_the_next(tmp_path: Path) -> None:
    settings = {"SMAREGI_LINK_UNVERIFIED": "false", "FLAG_SMAREGI": "hold"}
    async with a_world(tmp_path, None, **settings) as world:
        stranger = store_member(world, mailAddress="other@example.com", customerCode="V1")
        customer = customer_of(await world.register(email="own@example.com", email_verified=True))
        await world.patch(f"/v1/customers/{customer}", {"email": "other@example.com"})
        world.set(FLAG_SMAREGI="on")
        async with asyncio.timeout(30):
            while (await world.deliveries(channels=("smaregi",)))[0].outcome is not Outcome.FAILED:
                await asyncio.sleep(0.01)
        assert member(world, stranger)["customerCode"] == "V1"
        own = world.core.keys.emails("own@example.com")
        await world.core.delivery.proofs.prove(customer, own)  # a sign-in under the old address
        (delivery,) = await world.deliveries(channels=("smaregi",))
        assert (delivery.outcome, await link_of(world, customer)) == (Outcome.FAILED, None)
        same = {"email": "other@example.com", "email_verified": True}
        await world.patch(f"/v1/customers/{customer}", same)
        assert await linked(world, customer) == str(stranger)


async def test_the_same_address_sent_again_loses_no_proof(tmp_path: Path) -> None:
    settings = {"SMAREGI_LINK_UNVERIFIED": "false", "FLAG_SMAREGI": "hold"}
    async with a_world(tmp_path, None, **settings) as world:
        till = store_member(world)
        customer = customer_of(await world.register(email_verified=True))
        await world.patch(f"/v1/customers/{customer}", {"email": "taro@example.com"})
        world.set(FLAG_SMAREGI="on")
        assert await linked(world, customer) == str(till)
