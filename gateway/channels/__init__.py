"""One room per channel: everything that differs by vendor, and nothing else."""

from gateway.channels import crm, email, smaregi
from gateway.channels.base import Channel, Check, Context, Done, Pos, Shop, Spec, Work
from gateway.channels.last_sent import LastSent

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

POS = smaregi.NAME

ROSTER: tuple[Spec, ...] = (smaregi.SPEC, crm.SPEC, email.SPEC)
