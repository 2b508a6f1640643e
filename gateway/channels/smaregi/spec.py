"""What the channel is."""

from gateway.channels.base import Spec
from gateway.channels.smaregi.channel import Smaregi
from gateway.channels.smaregi.contract import identify, moved
from gateway.channels.smaregi.settings import SmaregiSettings

__all__ = ["NAME", "SPEC"]

NAME = "smaregi"
"""The store's POS: the member number of its link is the one that tills know."""

SPEC = Spec(
    name=NAME,
    title="Smaregi",
    settings=SmaregiSettings,
    build=Smaregi,
    account="Smaregi contract",
    identify=identify,
    moved=moved,
    forgets="The links to the old contract's members and their index are forgotten here; the new "
    "contract's members are read from the first.",
)
