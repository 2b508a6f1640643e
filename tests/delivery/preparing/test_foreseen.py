"""What is begun for a sign-up before Shopify has answered."""

import pytest

from flags import Mode
from gateway.errors import ErrorClass, UpstreamError
from tests.delivery.heart import Heart


@pytest.mark.parametrize(
    ("mode", "percent", "begun"),
    [
        (Mode.ON, None, 1),
        (Mode.ON, 50.0, 0),
        (Mode.DRY_RUN, None, 0),
        (Mode.HOLD, None, 0),
        (Mode.OFF, None, 0),
    ],
)
async def test_what_a_sign_up_will_read_is_begun_only_where_the_flag_is_on_for_everybody(
    heart: Heart, mode: Mode, percent: float | None, begun: int
) -> None:
    heart.modes["smaregi"] = mode
    if percent is not None:
        heart.percent["smaregi"] = percent
    heart.delivery.preparation.foresee_sign_up()
    assert {name: each.foreseen for name, each in heart.channels.items()} == {
        "smaregi": begun,
        "crm": 0,
        "mail": 0,
    }


async def test_nothing_is_begun_for_a_sign_up_while_the_channel_is_paused(heart: Heart) -> None:
    refused = UpstreamError("smaregi", "deliver", ErrorClass.AUTH, "refused")
    heart.routes["smaregi"].circuit.failed(refused)
    heart.delivery.preparation.foresee_sign_up()
    assert heart.channels["smaregi"].foreseen == 0
