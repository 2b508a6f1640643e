"""Two customers become one in Shopify while a store member of the survivor's own was made whose
answer was lost: each of the two has a member then.
"""

from typing import Any

import pytest

from gateway.channels.smaregi.create import MemberCreation
from gateway.errors import UpstreamError
from gateway.outcomes import Outcome
from gateway.sandbox import Fault
from gateway.store import duplicates, links
from tests.sync.webhooks.lives import signed_up
from tests.sync.webhooks.test_merged_customers import merged
from tests.sync.webhooks.webhook import arrived
from tests.world import World

CREATES = "POST /customers"


@pytest.fixture(autouse=True)
def finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if it were killed before it looks whether the member was made."""

    async def found(_: MemberCreation, error: UpstreamError, code: str) -> Any:
        raise error

    monkeypatch.setattr(MemberCreation, "_made_after_all", found)


async def merged_with_one_unheard_of(world: World) -> tuple[int, int]:
    """Who is gone, and who survived."""
    world.set(GATEWAY_RETRY_SCHEDULE="100", SHOPIFY_SYNC_OTHERS="false")
    gone = await signed_up(world, 1)
    world.sandbox.faults.set("smaregi", Fault("drop", times=1, match=CREATES))
    reply = await world.register(number=2, last_name="佐藤", last_kana="サトウ")
    assert reply.channel("smaregi")["outcome"] == "retrying"
    assert len(world.sandbox.smaregi.members) == 2
    kept = int(reply.body["shopify_customer_id"].rpartition("/")[2])
    assert await merged(world, gone, kept) == kept
    await arrived(world)
    return gone, kept


def members(world: World, number: int) -> list[int]:
    """Those that carry this number."""
    return [
        member_id
        for member_id, row in world.sandbox.smaregi.members.items()
        if str(number) in {row["customerCode"], row["customerNo"]}
    ]


async def test_the_survivors_own_member_is_linked_and_a_person_is_shown_both(
    hooked: World,
) -> None:
    gone, kept = await merged_with_one_unheard_of(hooked)
    await hooked.replay(channel=["smaregi"])
    (delivery, *_) = [
        d for d in await hooked.deliveries(channels=("smaregi",)) if d.customer_id == kept
    ]
    assert delivery.outcome is Outcome.DELIVERED, delivery.message
    (own,), (other,) = members(hooked, kept), members(hooked, gone)
    link = await hooked.core.db.read(lambda db: links.get(db, "smaregi", kept))
    assert link is not None
    assert link.reference == str(own)
    await hooked.core.duplicates.catch_up()
    (pair,) = await hooked.core.db.read(lambda db: duplicates.find(db, limit=9))
    assert {pair.low_id, pair.high_id} == {own, other}
    assert (pair.state, list(pair.reasons)) == ("open", ["merged_online"])
