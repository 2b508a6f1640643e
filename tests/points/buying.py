"""Orders as customers and staff make them, drawn from dice: placed, paid, edited, refunded, sent,
cancelled.
"""

from random import Random

from gateway.sandbox.shopify.orders import Order, Orders

__all__ = ["change", "place", "place_with", "settle"]


def place(orders: Orders, customer: int, dice: Random) -> Order:
    lines = [
        orders.line(
            dice.choice((80, 500, 1234, 9800)),
            dice.randint(1, 3),
            is_gift_card=dice.random() < 0.15,
            discount=dice.choice((0, 0, 70)),
        )
        for _ in range(dice.randint(1, 3))
    ]
    paid, shipping = dice.random() < 0.7, dice.choice((0, 500))
    order = orders.place(customer, lines, paid=paid, shipping=shipping)
    order.goodwill_shown = dice.random() < 0.5
    return order


def place_with(orders: Orders, customer: int, code: str, dice: Random) -> Order | None:
    """With a discount code; None where the checkout does not take it."""
    if orders.discounts.may_use(code, customer) is None:
        return None
    lines = [
        orders.line(dice.choice((80, 500, 1234)), dice.randint(1, 3))
        for _ in range(dice.randint(1, 2))
    ]
    return orders.place(customer, lines, paid=dice.random() < 0.8, codes=[code])


def change(orders: Orders, order: Order, dice: Random) -> None:
    place = dice.randrange(len(order.lines))
    if order.cancelled_at is not None:
        return
    match dice.choice(("pay", "refund", "refund", "goodwill", "edit", "settle", "cancel", "ship")):
        case "pay":
            orders.pay(order)
        case "refund" if order.payments:
            orders.refund(order, {place: dice.randint(1, 2)}, kept=dice.choice((0, 0, 50)))
        case "goodwill" if order.net_payment > 300:
            orders.refund(order, goodwill=300)
        case "edit":
            orders.edit(order, dice.choice((place, len(order.lines))), dice.randint(0, 2))
        case "settle":
            orders.settle_up(order)
        case "cancel":
            orders.cancel(order)
        case _:
            orders.fulfil(order)


def settle(orders: Orders, order: Order) -> None:
    """What an edit made dearer is paid, so that it earns."""
    if order.payments and order.outstanding > 0:
        orders.pay(order)
