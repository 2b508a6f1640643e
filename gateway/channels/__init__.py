"""One room per channel: everything that differs by vendor, and nothing else."""

from typing import TYPE_CHECKING

from gateway import at_first_use

if TYPE_CHECKING:
    from gateway.channels.base import Channel, Check, Context, Done, Pos, Shop, Spec, Work
    from gateway.channels.last_sent import LastSent
    from gateway.channels.roster import POS, ROSTER

__all__ = [
    "POS",
    "ROSTER",
    "Channel",
    "Check",
    "Context",
    "Done",
    "LastSent",
    "Pos",
    "Shop",
    "Spec",
    "Work",
]

__getattr__ = at_first_use(
    __name__,
    {
        "base": "Channel Check Context Done Pos Shop Spec Work",
        "last_sent": "LastSent",
        "roster": "POS ROSTER",
    },
)
