"""What every part runs in: the policy as it is now, and who is woken."""

import pytest

from flags import Mode
from gateway.delivery import Runtime, Wakes
from tests.delivery.heart import Heart


@pytest.mark.parametrize("mode", list(Mode))
def test_a_channel_is_used_unless_its_flag_is_off(mode: Mode) -> None:
    heart = Heart()
    heart.modes["crm"] = mode
    assert heart.runtime.policy.uses("crm") is (mode is not Mode.OFF)
    assert heart.runtime.policy.uses("smaregi")


def test_one_channels_worker_is_woken_or_all_and_nobody_else() -> None:
    wakes = Wakes.of(("crm", "mail"))
    wakes.worker("crm")
    assert [name for name, wake in wakes.channels.items() if wake.is_set()] == ["crm"]
    wakes.worker()
    assert all(wake.is_set() for wake in wakes.channels.values())
    others = (wakes.unclear, wakes.deferred, wakes.journal, wakes.reconciliation)
    assert len(set(others)) == 4
    assert not any(wake.is_set() for wake in others)


def test_without_traces_a_span_is_nothing() -> None:
    heart = Heart()
    spans = Runtime(heart, heart.listener, heart.background).spans
    opened = (spans.registration("r", first=True), spans.shopify(), spans.attempt(heart.owed()))
    for span in opened:
        with span as note:
            note("outcome", "delivered")
