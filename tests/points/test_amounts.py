"""What an order earns: pure arithmetic over what Shopify says."""

from dataclasses import replace
from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.points.amounts import Rule, base, earned
from gateway.shopify import ShopOrder, ShopOrderLine

_WITH, _WITHOUT = 1, 2


def line(price: int, *, left: int = 1, of: int = 1, card: bool = False) -> ShopOrderLine:
    """`of` pieces at `price`, `left` of which are still ordered; 10 % tax within."""
    value = Fraction(price * left)
    before = value if card else value * 10 / 11
    return ShopOrderLine(card, of, left, Fraction(price * of), before)


def order(*lines: ShopOrderLine, **changes: Any) -> ShopOrder:
    """Paid in full, unless `changes` say otherwise."""
    subtotal = sum((each.value for each in lines), Fraction(0))
    beside = sum(Fraction(changes.get(name, 0)) for name in ("shipping", "tip", "duties", "fees"))
    made = ShopOrder(
        id=1,
        customer_id=7,
        email=None,
        made_at=0.0,
        updated_at=0.0,
        paid_at=0.0,
        cancelled=False,
        test=False,
        source="web",
        has_checkout=True,
        currency="JPY",
        taxes_included=True,
        status="PAID",
        fulfilled=False,
        subtotal=subtotal,
        tax=Fraction(0),
        shipping=Fraction(0),
        duties=Fraction(0),
        fees=Fraction(0),
        tip=Fraction(0),
        outstanding=Fraction(0),
        net_payment=subtotal + beside,
        lines=lines,
    )
    given: dict[str, Any] = {
        name: value if name == "taxes_included" else Fraction(value)
        for name, value in changes.items()
    }
    return replace(made, **given)


def rule(unit: str = "1", yen: str = "100", division: int = _WITH) -> Rule:
    return Rule(Fraction(unit), Fraction(yen), division)


@pytest.mark.parametrize(
    ("yen", "unit", "price", "points"),
    [
        (900, "10", "1000", 0),
        (1000, "10", "1000", 10),
        (2999, "10", "1000", 20),
        (99, "1", "100", 0),
        (250, "0.5", "100", 1),
        (1234, "0", "100", 0),
        (10**9, "1", "1", 10**9),
    ],
)
def test_only_whole_units_give_points(yen: int, unit: str, price: str, points: int) -> None:
    assert earned(order(line(yen)), rule(unit, price)) == points


def test_shipping_tips_duties_and_gift_cards_earn_nothing() -> None:
    bought = order(line(1000), line(5000, card=True), shipping=500, tip=300, duties=200, fees=100)
    assert base(bought, rule()) == 1000
    assert earned(order(line(5000, card=True)), rule()) == 0


def test_prices_without_tax_earn_by_what_is_paid_with_it_and_the_other_way_round() -> None:
    without = order(line(1000), taxes_included=False, tax=100, net_payment=1100)
    assert base(without, rule()) == 1100
    assert base(order(line(1100)), rule(division=_WITHOUT)) == 1000


def test_money_paid_back_out_of_goodwill_lowers_what_is_earned_once_however_it_is_shown() -> None:
    lines = (line(1000), line(2000))
    only_paid_back = order(*lines, net_payment=2500)
    shown_in_the_subtotal = order(*lines, net_payment=2500, subtotal=2500)
    assert base(only_paid_back, rule()) == base(shown_in_the_subtotal, rule()) == 2500
    assert base(order(*lines, net_payment=2500), rule(division=_WITHOUT)) == floor(
        3000 / 1.1 * 5 / 6
    )


def test_goods_that_an_edit_took_away_count_no_more_whether_or_not_their_money_is_back() -> None:
    lines = (line(1000), line(2000, left=0))
    assert base(order(*lines, net_payment=3000, outstanding=-2000), rule()) == 1000
    assert base(order(*lines, net_payment=1000), rule()) == 1000


def test_what_an_edit_made_dearer_earns_nothing_before_it_is_paid() -> None:
    assert base(order(line(1000), line(2000), net_payment=1000, outstanding=2000), rule()) == 1000


def test_a_refund_that_kept_something_back_earns_by_the_goods_alone() -> None:
    assert base(order(line(1000, left=1, of=2), net_payment=1250), rule()) == 1000


@pytest.mark.parametrize("changes", [{"cancelled": True}, {"status": "VOIDED"}])
def test_a_cancelled_order_is_worth_nothing(changes: dict[str, Any]) -> None:
    assert earned(replace(order(line(1000)), **changes), rule()) == 0


def test_a_rule_is_written_down_and_read_back() -> None:
    one = rule("0.25", "108", _WITHOUT)
    assert Rule.of(one.text()) == one


_PIECES = st.integers(0, 3).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))


@given(
    st.lists(st.tuples(st.integers(0, 20_000), _PIECES, st.booleans()), min_size=1, max_size=5),
    st.integers(-5000, 60_000),
    st.sampled_from([1, 2, 3, 4]),
)
def test_an_order_earns_for_no_more_than_its_goods_and_no_more_than_was_paid(
    lines: list[tuple[int, tuple[int, int], bool]], paid: int, division: int
) -> None:
    made = [line(p, left=left, of=of, card=card) for p, (left, of), card in lines]
    goods = sum(each.value for each in made if not each.is_gift_card)
    bought = replace(order(*made), net_payment=Fraction(paid))
    counted = base(bought, rule(division=division))
    assert 0 <= counted <= goods
    assert counted <= max(0, paid)
    assert (
        base(replace(bought, net_payment=Fraction(paid + 500)), rule(division=division)) >= counted
    )
