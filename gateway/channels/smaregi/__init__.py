"""The store's POS: its members are matched by e-mail and linked by the Shopify customer id."""

from typing import TYPE_CHECKING

from gateway import at_first_use

if TYPE_CHECKING:
    from gateway.channels.smaregi.channel import Smaregi
    from gateway.channels.smaregi.points import Balance
    from gateway.channels.smaregi.settings import SmaregiSettings
    from gateway.channels.smaregi.spec import NAME, SPEC

__all__ = ["NAME", "SPEC", "Balance", "Smaregi", "SmaregiSettings"]

__getattr__ = at_first_use(
    __name__,
    {
        "channel": "Smaregi",
        "points": "Balance",
        "settings": "SmaregiSettings",
        "spec": "NAME SPEC",
    },
)
