"""The deliverer tries again, and wakes what waited."""

import pytest

from flags import Flag, FlagSet, Mode
from gateway.background import request_id
from gateway.channels import Done, Work
from gateway.delivery import CircuitState
from gateway.errors import ErrorClass, StorageError
from gateway.outcomes import Delivery, Kind, Outcome, Waiting
from gateway.store import erasure, links
from gateway.wire import Lane, lane
from tests.delivery.heart import HANAKO, TARO, Heart, a_customer, trouble


async def test_a_delivery_is_claimed_and_tried_in_the_backlogs_lane(heart: Heart) -> None:
    lanes = []

    async def looks(work: Work) -> Done:
        lanes.append(lane.get())
        assert heart.row(delivery).claimed_version == 1
        assert delivery.id in heart.deliverer.busy
        return Done("created", "1")

    heart.channels["smaregi"].ends = [looks]
    delivery = heart.owed()
    after = await heart.deliverer.again(delivery, a_customer())
    assert after == heart.row(delivery)
    assert after.outcome is Outcome.DELIVERED
    assert (after.attempts, lanes) == (1, [Lane.BACKLOG])
    assert lane.get() is Lane.LIVE
    assert heart.deliverer.busy == set()
    assert heart.channels["smaregi"].works[0].fresh is False
    (attempt,) = heart.history(delivery)
    assert attempt["outcome"] == "delivered"


async def test_a_later_attempt_is_made_for_the_request_that_it_began_with(heart: Heart) -> None:
    seen = []

    async def looks(work: Work) -> Done:
        seen.append(request_id.get())
        return Done("created", "1")

    heart.channels["smaregi"].ends = [looks]
    await heart.deliverer.again(heart.change(heart.owed(), request_id="req-1"), a_customer())
    assert (seen, request_id.get()) == (["req-1"], None)


async def test_one_that_somebody_is_at_is_not_tried(heart: Heart) -> None:
    delivery = heart.owed()
    heart.deliverer.busy.add(delivery.id)
    assert await heart.deliverer.again(delivery, a_customer()) is None
    assert heart.channels["smaregi"].works == []
    assert heart.deliverer.busy == {delivery.id}


async def test_one_that_changed_since_its_customer_was_read_is_not_tried(heart: Heart) -> None:
    read = heart.owed()
    heart.change(read, version=2)
    circuit = heart.circuit()
    circuit.cause = ErrorClass.TIMEOUT
    assert await heart.deliverer.again(read, a_customer()) is None
    assert heart.channels["smaregi"].works == []
    assert await circuit.admit() is CircuitState.HALF_OPEN, "the probe is another one's"


async def test_a_claim_that_the_disk_does_not_take_gives_the_probe_back(heart: Heart) -> None:
    circuit = heart.circuit()
    circuit.cause = ErrorClass.TIMEOUT
    heart.db.breaks = 1
    delivery = heart.owed()
    with pytest.raises(StorageError):
        await heart.deliverer.again(delivery, a_customer())
    assert await circuit.admit() is CircuitState.HALF_OPEN
    assert heart.deliverer.busy == set()


async def test_a_flag_that_is_not_on_leaves_the_delivery_as_it_is(heart: Heart) -> None:
    heart.modes["smaregi"] = Mode.HOLD
    delivery = heart.owed()
    assert await heart.deliverer.again(delivery, a_customer()) == delivery
    assert heart.row(delivery) == delivery
    assert heart.channels["smaregi"].works == []


async def test_the_allow_list_is_asked_with_the_customer_at_hand(heart: Heart) -> None:
    address = a_customer().profile.email
    flag = Flag("FLAG_CRM", Mode.ON, percent=0.0, allow=frozenset({address}))
    flags = FlagSet({"FLAG_CRM": flag, "FLAG_SMAREGI": Flag("FLAG_SMAREGI", Mode.ON)})
    heart.flags = lambda: flags  # type: ignore[method-assign]
    after = await heart.deliverer.again(heart.owed("crm"), a_customer())
    assert after is not None
    assert after.outcome is Outcome.DELIVERED


async def test_an_urgent_one_goes_although_its_flag_is_off(heart: Heart) -> None:
    heart.modes["crm"] = Mode.OFF
    heart.link("crm")
    delivery = heart.owed("crm", kind=Kind.UPDATE, urgent=True)
    after = await heart.deliverer.again(delivery, a_customer())
    assert after is not None
    assert after.outcome is Outcome.DELIVERED


async def test_what_is_owed_to_one_who_is_gone_is_given_up(heart: Heart) -> None:
    delivery = heart.owed()
    after = await heart.deliverer.again(delivery, None)
    assert after == heart.row(delivery)
    assert after is not None
    assert (after.outcome, after.message) == (Outcome.DISCARDED, erasure.GONE)
    assert after.error_class is None
    assert heart.deliverer.busy == set()


@pytest.mark.parametrize("kind", [Kind.REGISTRATION, Kind.UPDATE])
async def test_what_a_merge_has_moved_to_the_survivor_is_not_given_up_with_who_is_gone(
    heart: Heart, kind: Kind
) -> None:
    delivery = heart.owed("crm", kind=kind)
    moved = (HANAKO, delivery.version + 1, delivery.id)
    sql = "UPDATE deliveries SET customer_id = ?, version = ? WHERE id = ?"
    heart.db.connection.execute(sql, moved)
    before = heart.row(delivery)
    assert await heart.deliverer.again(delivery, None) is None
    assert heart.row(delivery) == before
    assert heart.deliverer.busy == set()


async def test_where_too_many_seem_gone_nothing_is_given_up(
    heart: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def begin(db: object, *what: object) -> bool:
        asked.append(what)
        return False

    monkeypatch.setattr("gateway.store.removals.begin", begin)
    delivery = heart.owed()
    assert await heart.deliverer.again(delivery, None) == delivery
    assert asked == [(TARO, "gone", heart.clock.now)]
    row = heart.row(delivery)
    assert (row.outcome, row.waiting) == (Outcome.RETRYING, Waiting.SHOPIFY)
    assert row.next_attempt_at == heart.clock.now + 600.0


async def test_a_removal_goes_without_its_customer(heart: Heart) -> None:
    heart.link()
    delivery = heart.owed(kind=Kind.REMOVAL)
    after = await heart.deliverer.again(delivery, None)
    assert after is not None
    assert after.outcome is Outcome.DELIVERED
    assert links.get(heart.db.connection, "smaregi", TARO) is None


async def test_a_mail_that_is_too_late_goes_only_where_it_was_named(heart: Heart) -> None:
    delivery = heart.owed("mail")
    heart.clock.now += 86401
    after = await heart.deliverer.again(delivery, a_customer())
    assert after is not None
    assert (after.outcome, after.error_class) == (Outcome.FAILED, ErrorClass.TOO_LATE)
    assert after.message is not None
    assert after.message.startswith("older than EMAIL_MAX_AGE")
    assert heart.channels["mail"].works == []
    after = await heart.deliverer.again(after, a_customer(), named=True)
    assert after is not None
    assert after.outcome is Outcome.DELIVERED


async def test_at_a_shut_channel_it_waits_untried_and_is_shown_as_it_stands(
    heart: Heart,
) -> None:
    heart.circuit().failed(trouble(ErrorClass.AUTH))
    delivery = heart.owed()
    after = await heart.deliverer.again(delivery, a_customer())
    assert after == heart.row(delivery)
    assert after is not None
    assert (after.outcome, after.attempts) == (Outcome.RETRYING, 0)
    assert after.next_attempt_at == heart.clock.now + 10.0
    assert heart.channels["smaregi"].works == []


async def test_at_a_shut_channel_one_that_was_settled_meanwhile_is_not_shown(
    heart: Heart,
) -> None:
    heart.circuit().failed(trouble(ErrorClass.AUTH))
    read = heart.owed()
    heart.change(read, outcome="discarded")
    assert await heart.deliverer.again(read, a_customer()) is None


async def test_a_person_probes_a_shut_channel_at_once(heart: Heart) -> None:
    heart.circuit().failed(trouble(ErrorClass.AUTH))
    after = await heart.deliverer.again(heart.owed(), a_customer(), person=True)
    assert after is not None
    assert after.outcome is Outcome.DELIVERED
    assert heart.circuit().cause is None


async def test_one_that_was_discarded_under_way_is_nobodys_news(heart: Heart) -> None:
    async def discarded(work: Work) -> Done:
        heart.change(delivery, outcome="discarded")
        raise trouble()

    heart.channels["smaregi"].ends = [discarded]
    delivery = heart.owed()
    assert await heart.deliverer.again(delivery, a_customer()) is None
    assert heart.told == []


async def test_a_live_attempt_that_took_it_over_stays_busy(heart: Heart) -> None:
    delivery = heart.owed()

    async def taken_over(work: Work) -> Done:
        heart.deliverer._live.add(delivery.id)
        return Done("created", "1")

    heart.channels["smaregi"].ends = [taken_over]
    await heart.deliverer.again(delivery, a_customer())
    assert heart.deliverer.busy == {delivery.id}


# -- waking


async def test_waking_pages_through_all_that_waited_and_no_others(heart: Heart) -> None:
    for customer in range(1, 702):
        row = heart.owed("smaregi", customer=customer)
        heart.change(row, outcome="retrying", waiting="index", next_attempt_at=9e9)
    other = heart.change(
        heart.owed("crm"), outcome="retrying", waiting="index", next_attempt_at=9e9
    )
    await heart.deliverer.wake(Waiting.INDEX, "smaregi")
    count = "SELECT count(*) FROM deliveries WHERE next_attempt_at = ?"
    assert heart.db.connection.execute(count, (heart.clock.now,)).fetchone()[0] == 701
    assert heart.row(other).next_attempt_at == 9e9
    await heart.deliverer.wake(Waiting.INDEX)
    assert heart.row(other).next_attempt_at == heart.clock.now


async def test_a_channel_that_works_again_wakes_what_waited_for_it_alone(heart: Heart) -> None:
    def waits(channel: str, customer: int, waiting: str) -> Delivery:
        row = heart.owed(channel, customer=customer)
        return heart.change(row, outcome="retrying", waiting=waiting, next_attempt_at=9e9)

    own = waits("smaregi", 2, "channel")
    others = [waits("crm", 2, "channel"), waits("smaregi", 3, "index")]
    heart.circuit("smaregi").cause = ErrorClass.TIMEOUT
    await heart.deliverer.again(heart.owed("smaregi"), a_customer())
    assert heart.row(own).next_attempt_at == heart.clock.now
    assert [heart.row(each) for each in others] == others
