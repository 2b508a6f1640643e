"""The stand-ins as a process: serves all four systems, and takes orders on its standard input.

{"start": true, "lists_grow": bool}         -> {"ports": {system: port}}
{"modes": {system: mode}, "delay": seconds} -> {}; from now on
{"count": true}                             -> what came since the last time, and what there is
"""

import asyncio
from collections.abc import Callable
from typing import Any

from tests.benchmarks.canned.http import Answers, Behaviour, Http
from tests.benchmarks.canned.hubspot import HubSpot
from tests.benchmarks.canned.shopify import Shopify
from tests.benchmarks.canned.sightings import Sightings
from tests.benchmarks.canned.smaregi import Smaregi
from tests.benchmarks.canned.smtp import Mailbox, Smtp
from tests.benchmarks.children import obey

SYSTEMS = ("shopify", "smaregi", "crm", "email")


class StandIns:
    def __init__(self) -> None:
        self._behaviours = {system: Behaviour() for system in SYSTEMS}
        self._sightings = Sightings()
        self._shopify = Shopify(self._sightings)
        self._smaregi = Smaregi(self._sightings)
        self._hubspot = HubSpot(self._sightings)
        self._mailbox = Mailbox(self._sightings)

    async def carry_out(self, order: dict[str, Any]) -> dict[str, Any]:
        if "start" in order:
            self._smaregi.lists_grow = order["lists_grow"]
            return {"ports": await self._start()}
        if "count" in order:
            return self._counted()
        for system, mode in order["modes"].items():
            self._behaviours[system].mode = mode
        for behaviour in self._behaviours.values():
            behaviour.delay = order["delay"]
        return {}

    async def _start(self) -> dict[str, int]:
        http: dict[str, Answers] = {
            "shopify": self._shopify,
            "smaregi": self._smaregi,
            "crm": self._hubspot,
        }
        ports = {system: await self._http(system, answers) for system, answers in http.items()}
        mail = self._behaviours["email"]
        return ports | {"email": await _served(lambda: Smtp(self._mailbox, mail))}

    async def _http(self, system: str, answers: Answers) -> int:
        behaviour = self._behaviours[system]
        return await _served(lambda: Http(answers, behaviour))

    def _counted(self) -> dict[str, Any]:
        """`after`, `waited`: seconds, since the last time; the others: all that there are."""
        sightings = self._sightings
        told = {
            "customers": len(self._shopify.customers),
            "members": len(self._smaregi.members),
            "contacts": len(self._hubspot.contacts),
            "mails": self._mailbox.mails,
            "mailed": len(self._mailbox.numbers),
            "after": dict(sightings.after),
            "waited": {system: each.waited[:] for system, each in self._behaviours.items()},
            "unforeseen": sorted(
                {u for each in self._behaviours.values() for u in each.unforeseen}
            ),
        }
        sightings.after.clear()
        for each in self._behaviours.values():
            each.waited.clear()
        return told


async def _served(protocol: Callable[[], asyncio.Protocol]) -> int:
    """The port, of loopback, on which each connection gets such a protocol."""
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, backlog=1024)
    port: int = server.sockets[0].getsockname()[1]
    return port


if __name__ == "__main__":
    obey(StandIns().carry_out)
