"""The store's POS: its members are matched by e-mail and linked by the Shopify customer id."""

from gateway.channels.base import Spec
from gateway.channels.smaregi.channel import Smaregi
from gateway.channels.smaregi.contract import identify, moved
from gateway.channels.smaregi.points import Balance
from gateway.channels.smaregi.settings import SmaregiSettings

__all__ = ["SPEC", "Balance", "Smaregi", "SmaregiSettings"]

SPEC = Spec(
    name="smaregi",
    title="Smaregi",
    settings=SmaregiSettings,
    build=Smaregi,
    numbers_members=True,
    number_is_customer_id=lambda section: (
        isinstance(section, SmaregiSettings) and section.smaregi_link_field == "customerCode"
    ),
    consent="mailReceiveFlag",
    account="Smaregi contract",
    identify=identify,
    moved=moved,
)
