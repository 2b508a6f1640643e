"""What the flags say of an attempt."""

import pytest

from flags import Decision, Flag, FlagSet, Mode, Reason
from gateway.outcomes import Delivery, Kind
from tests.delivery.heart import TARO, Heart, TheSettings, a_customer


async def kept_back(heart: Heart, delivery: Delivery, *, gone: bool = False) -> bool:
    customer = None if gone else a_customer(delivery.customer_id)
    return await heart.delivery.preparation.is_kept_back(delivery, customer)


async def test_a_delivery_is_kept_back_by_its_channels_flag(heart: Heart) -> None:
    delivery = heart.owed("crm")
    assert not await kept_back(heart, delivery)
    heart.modes["crm"] = Mode.HOLD
    assert await kept_back(heart, delivery)
    assert await kept_back(heart, delivery, gone=True)
    assert not await kept_back(heart, heart.owed("smaregi"))


async def test_a_change_goes_by_the_stricter_of_two_flags(heart: Heart) -> None:
    change, sign_up = heart.owed("crm", kind=Kind.UPDATE), heart.owed("smaregi")
    heart.modes["updates"] = Mode.OFF
    assert await kept_back(heart, change)
    assert not await kept_back(heart, sign_up)
    assert not heart.delivery.preparation.flag_policy.may_be(change)
    assert heart.delivery.preparation.flag_policy.may_be(sign_up)


async def test_the_percentage_counts_until_the_channel_has_the_customer(heart: Heart) -> None:
    heart.percent["crm"] = 0.0
    change = heart.owed("crm", kind=Kind.UPDATE)
    assert await kept_back(heart, change)
    heart.link("crm")
    assert not await kept_back(heart, change)
    again = heart.change(change, kind="backfill")
    assert await kept_back(heart, again), "only a change is of a record that is there"
    heart.modes["crm"] = Mode.HOLD
    assert await kept_back(heart, heart.change(change, kind="update"))


async def test_the_allow_list_is_asked_where_the_e_mail_is_at_hand(
    heart: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flags.allow import read_allow

    allow = read_allow(f"c{TARO}@example.com")[0]
    flags = {
        name: Flag(name, Mode.ON, percent=0.0, allow=frozenset(allow))
        for name in ("FLAG_CRM", "FLAG_UPDATES")
    }
    heart.flags = lambda: FlagSet(flags)  # type: ignore[method-assign]
    sign_up = heart.owed("crm")
    assert not await kept_back(heart, sign_up)
    assert await kept_back(heart, sign_up, gone=True)
    assert heart.delivery.preparation.flag_policy.may_be(sign_up), "it has still to be asked"
    change = heart.change(sign_up, kind="update")
    assert not await kept_back(heart, change)
    assert heart.delivery.preparation.flag_policy.may_be(change)


async def test_a_percentage_of_a_channel_may_let_any_change_go_and_a_changes_own_may_not(
    heart: Heart,
) -> None:
    may_be = heart.delivery.preparation.flag_policy.may_be
    change, sign_up = heart.owed("crm", kind=Kind.UPDATE), heart.owed("smaregi")
    heart.percent["crm"] = heart.percent["smaregi"] = 0.0
    assert may_be(change), "it may have a record"
    assert not may_be(sign_up)
    heart.modes["crm"] = Mode.HOLD
    assert not may_be(change)
    heart.modes["crm"] = Mode.ON
    heart.percent["updates"] = 0.0
    assert not may_be(change)


async def test_the_flags_are_asked_of_this_very_customer(heart: Heart) -> None:
    permission = heart.delivery.preparation.flag_policy
    heart.percent |= {"crm": 50.0}
    own = heart.flags()["crm"]
    for customer in range(30):
        asked = permission.decide("crm", customer, Kind.BACKFILL)
        assert asked == own.decide(customer)
        delivery = heart.owed("crm", customer=customer)
        assert permission.may_be(delivery) is (asked.mode is Mode.ON)
        assert await kept_back(heart, delivery) is (asked.mode is not Mode.ON)
    heart.percent = {"updates": 50.0}
    updates = heart.flags()["updates"]
    for customer in range(30, 60):
        mode = permission.decide("crm", customer, Kind.UPDATE).mode
        assert mode is updates.decide(customer).mode
        heart.link("crm", customer)
        urgent = heart.owed("crm", customer=customer, kind=Kind.UPDATE, urgent=True)
        prepared = await heart.delivery.preparation.prepare(
            urgent, a_customer(customer), fresh=False
        )
        assert prepared[1] is mode


async def test_what_goes_whatever_the_percentage_is_says_so(heart: Heart) -> None:
    permission = heart.delivery.preparation.flag_policy
    heart.percent["crm"] = 0.0
    goes = Decision(Mode.ON, Reason.SET)
    assert permission.decide("crm", TARO, Kind.REMOVAL) == goes
    assert permission.decide("crm", TARO, Kind.UPDATE, linked=True) == goes
    assert permission.decide("crm", TARO, Kind.UPDATE).mode is Mode.HOLD


async def test_a_removal_goes_whatever_the_flags_say(heart: Heart) -> None:
    heart.modes |= {"crm": Mode.OFF, "updates": Mode.OFF}
    removal = heart.owed("crm", kind=Kind.REMOVAL)
    assert heart.delivery.preparation.flag_policy.may_be(removal)
    assert not await kept_back(heart, removal, gone=True)


async def test_an_urgent_one_is_kept_back_only_where_the_channel_cannot_be_called(
    heart: Heart,
) -> None:
    heart.modes["crm"] = Mode.OFF
    urgent = heart.owed("crm", kind=Kind.UPDATE, urgent=True)
    assert not await kept_back(heart, urgent)
    heart.settings["crm"] = TheSettings(lacking="CRM_TOKEN: is not set")
    assert await kept_back(heart, urgent)
