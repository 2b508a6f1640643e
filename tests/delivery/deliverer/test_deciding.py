"""What flags decide for a delivery, and how its customer is read."""

from dataclasses import replace

import pytest

from flags import Flag, FlagSet, Mode
from gateway.delivery.opening import Owed, opening
from gateway.errors import ErrorClass
from gateway.outcomes import Kind, Outcome, Waiting
from tests.delivery.heart import HANAKO, TARO, Heart, a_customer, trouble


async def test_a_flag_decides_for_one_customer_and_their_e_mail(heart: Heart) -> None:
    heart.percent["smaregi"] = 0.0
    assert heart.flag("smaregi", TARO).mode is Mode.HOLD
    assert heart.flag("crm", TARO).mode is Mode.ON


async def test_a_percentage_and_an_allow_list_ask_who_it_is(heart: Heart) -> None:
    allow = frozenset({"taro@example.com"})
    flag = Flag("FLAG_CRM", Mode.ON, percent=50.0, allow=allow)
    heart.flags = lambda: FlagSet({"FLAG_CRM": flag})  # type: ignore[method-assign]

    def outcome(customer: int, email: str | None = None) -> Outcome:
        new = opening(heart.flags(), "crm", Kind.REGISTRATION, Owed(customer, email))
        assert new is not None
        return new.outcome

    for customer in range(20):
        inside = flag.decide(customer).mode is Mode.ON
        assert outcome(customer) is (Outcome.PENDING if inside else Outcome.HELD)
        assert outcome(customer, "taro@example.com") is Outcome.PENDING


async def test_an_urgent_delivery_goes_whatever_its_flag_says(heart: Heart) -> None:
    heart.modes["crm"] = Mode.OFF
    kept, urgent = heart.owed("crm"), heart.owed("crm", customer=HANAKO, urgent=True)
    assert not heart.deliverer.may_go(kept)
    assert heart.deliverer.may_go(urgent)


@pytest.mark.parametrize(
    ("channel", "kind", "age", "late"),
    [
        ("mail", Kind.REGISTRATION, 86401.0, True),
        ("mail", Kind.REGISTRATION, 86400.0, False),
        ("mail", Kind.BACKFILL, 90000.0, False),
        ("smaregi", Kind.REGISTRATION, 90000.0, False),
    ],
)
async def test_only_a_sign_ups_mail_is_ever_too_late(
    heart: Heart, channel: str, kind: Kind, age: float, late: bool
) -> None:
    delivery = heart.owed(channel, kind=kind)
    heart.clock.now += age
    assert heart.deliverer.is_too_late(delivery) is late


# -- reading the customers


async def test_deliveries_are_read_together_and_a_removals_customer_is_not_asked_for(
    heart: Heart,
) -> None:
    heart.shopify.customers[HANAKO] = a_customer(HANAKO)
    owed = [heart.owed("smaregi"), heart.owed("crm"), heart.owed("smaregi", customer=HANAKO)]
    removal = heart.owed("crm", customer=3, kind=Kind.REMOVAL)
    found = await heart.deliverer.with_customers([*owed, removal])
    assert heart.shopify.asked == [{TARO, HANAKO}]
    assert found == [
        (owed[0], a_customer()),
        (owed[1], a_customer()),
        (owed[2], a_customer(HANAKO)),
        (removal, None),
    ]
    assert heart.gone == []


async def test_who_is_missing_is_told_with_those_who_were_found(heart: Heart) -> None:
    gone = heart.owed("smaregi", customer=HANAKO)
    assert await heart.deliverer.with_customers([heart.owed("smaregi"), gone]) == [
        (heart.row(replace(gone, id=2)), a_customer()),
        (gone, None),
    ]
    assert heart.gone == [({TARO, HANAKO}, {TARO})]


async def test_while_shopify_cannot_be_asked_all_wait_uncounted(heart: Heart) -> None:
    heart.shopify.trouble = trouble(ErrorClass.CONNECTION, system="shopify")
    waiting = heart.owed("smaregi")
    failed = heart.owed("crm", Outcome.FAILED)
    assert await heart.deliverer.with_customers([waiting, failed]) is None
    row = heart.row(waiting)
    assert (row.outcome, row.error_class) == (Outcome.RETRYING, ErrorClass.CONNECTION)
    assert (row.waiting, row.attempts) == (Waiting.SHOPIFY, 0)
    assert row.next_attempt_at == heart.clock.now + 10.0
    assert heart.row(failed).outcome is Outcome.FAILED


async def test_one_whom_shopify_does_not_answer_for_has_failed_and_the_others_go(
    heart: Heart,
) -> None:
    heart.shopify.refused[HANAKO] = trouble(
        ErrorClass.UNEXPECTED, system="shopify", reason="INTERNAL"
    )
    refused, other = heart.owed("smaregi", customer=HANAKO), heart.owed("smaregi")
    leaving = heart.owed("crm", customer=HANAKO, kind=Kind.REMOVAL)
    found = await heart.deliverer.with_customers([refused, other, leaving])
    assert found == [(other, a_customer()), (leaving, None)]
    row = heart.row(refused)
    assert (row.outcome, row.error_class) == (Outcome.FAILED, ErrorClass.UNEXPECTED)
    assert row.message == "the customer cannot be read from Shopify (call: it went wrong)"
    assert row.reason == "INTERNAL"
    assert heart.gone == [], "whom Shopify refuses is not missing"


async def test_one_who_cannot_be_read_is_left_to_the_attempt_that_is_under_way(
    heart: Heart,
) -> None:
    delivery = heart.owed()
    heart.deliverer.busy.add(delivery.id)
    await heart.deliverer.cannot_be_read(delivery, trouble())
    assert heart.row(delivery).outcome is Outcome.PENDING
