"""Deliveries of every outcome, and the list of them."""

from typing import Any

from gateway.sandbox import Fault
from tests.world import World

__all__ = ["WRONG", "listed", "mixed"]


async def listed(world: World, query: str = "") -> list[dict[str, Any]]:
    reply = await world.get(f"/v1/deliveries{query}")
    assert reply.status == 200, reply.raw
    rows: list[dict[str, Any]] = reply.body["deliveries"]
    return rows


async def mixed(world: World) -> None:
    """Three registrations; the CRM refuses all, the mailbox knows no recipient."""
    world.sandbox.faults.set("crm", Fault("status", status=500))
    world.sandbox.faults.set("email", Fault("status", status=550, match="RCPT"))
    for number in (1, 2, 3):
        assert (await world.register(number=number)).status == 201
    world.sandbox.faults.clear()


WRONG = [
    ("channel", "fax"),
    ("channel", "crm,fax"),
    ("outcome", "lost"),
    ("outcome", "Delivered!"),
    ("error_class", "bad"),
    ("since", "yesterday"),
    ("until", "2026-13-01"),
    ("limit", "0"),
    ("limit", "-1"),
    ("limit", "many"),
    ("cursor", "abc"),
    ("chanel", "crm"),
    ("kind", "gift"),
    ("customer", "yamada"),
    ("customer", "9223372036854775808"),
    ("sort", "colour"),
    ("cursor", "1e99:7"),
    ("cursor", "99999999999999999999"),
    ("cursor", "47:10538"),
    ("registration", ""),
    ("outcome", ""),
    ("sort", ""),
]
