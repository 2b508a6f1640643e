"""Whether an order earns, and what it waits for, by what Shopify holds of it now. Pure.

`reason` is one of REASONS; the documents explain each.
"""

from math import floor

from flags import Mode
from gateway import frozen
from gateway.points.amounts import PAID
from gateway.points.settings import PointsSettings
from gateway.points.switch import Period
from gateway.shopify import ShopOrder
from gateway.store.points import OrderState

__all__ = ["REASONS", "Around", "Owner", "Standing", "is_payable", "standing"]

CURRENCY = "JPY"
REASONS = (
    *("unread", "unpaid", "unfulfilled", "guest", "no_member", "unproven", "member_left"),
    *("flag", "before", "off", "test", "not_checkout", "currency", "cancelled", "gone", "too_late"),
)
_DAY = 86400.0


@frozen
class Owner:
    """Who would get the points: the store member linked to the order's customer. `unproven`: by an
    e-mail that is not known to be the customer's.
    """

    member_id: int | None = None
    unproven: bool = False


@frozen
class Around:
    """`mode`: what the flags say of this customer. `asked`: a person wants the order given."""

    mode: Mode
    period: Period
    settings: PointsSettings
    owner: Owner
    asked: bool
    now: float


@frozen
class Standing:
    """Of an order that got nobody anything yet."""

    state: OrderState
    reason: str = ""


def is_payable(order: ShopOrder) -> bool:
    """Whether what it earns may rise: it is paid, and nothing is outstanding."""
    return order.status in PAID and order.outstanding <= 0


def standing(order: ShopOrder | None, around: Around) -> Standing:
    if order is None:
        return Standing("ignored", "gone")
    never = _never(order, around)
    if never:
        return Standing("ignored", never)
    not_meant = _not_meant(order, around)
    if not_meant is not None:
        return not_meant
    if not is_payable(order):
        return Standing("waiting", "unpaid")
    if around.settings.points_earn_after == "fulfilled" and not order.fulfilled:
        return Standing("waiting", "unfulfilled")
    return _of_owner(order, around) or _of_flag(around.mode)


def _never(order: ShopOrder, around: Around) -> str:
    """Why it earns nothing, whoever made it."""
    if order.currency != CURRENCY:
        return "currency"
    if order.test:
        return "test"
    elsewhere = order.source == "pos" or not order.has_checkout
    if elsewhere and around.settings.points_orders == "checkout":
        return "not_checkout"
    if order.cancelled or order.status in {"VOIDED", "EXPIRED"}:
        return "cancelled"
    return ""


def _not_meant(order: ShopOrder, around: Around) -> Standing | None:
    """It was made while the flag did not give; a person may have asked for it all the same."""
    if around.mode is Mode.OFF:
        return Standing("skipped", "flag")
    if around.asked or around.mode is Mode.DRY_RUN:
        return None
    since, first = around.period.since, around.period.first
    if since is not None and order.made_at >= floor(since):  # Shopify's times are whole seconds
        return None
    if first is None or order.made_at < floor(first):
        return Standing("ignored", "before")
    return Standing("skipped", "off")


def _of_owner(order: ShopOrder, around: Around) -> Standing | None:
    """What it waits for while nobody is known to whom it could be given; not for ever."""
    owner = around.owner
    if owner.member_id is not None and not owner.unproven:
        return None
    reason = "guest" if order.customer_id is None else "no_member"
    if owner.unproven:
        reason = "unproven"
    paid_at = order.paid_at or order.made_at
    if around.now - paid_at > around.settings.points_claim_days * _DAY:
        return Standing("ignored", "too_late")
    return Standing("waiting", reason)


def _of_flag(mode: Mode) -> Standing:
    match mode:
        case Mode.ON:
            return Standing("given")
        case Mode.DRY_RUN:
            return Standing("dry_run")
        case Mode.HOLD | Mode.OFF:
            return Standing("held", "flag")
