"""The owner of a PostgreSQL: the active gateway, wherever it runs, or this command for its run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
import click

from gateway.app import Role
from gateway.app.config import LiveConfig
from gateway.app.standing import control_key, make_lease
from gateway.cli.client import Client, Elsewhere, OwnerGone, beside
from gateway.cli.way import Way
from gateway.errors import Unreachable
from gateway.http.control.named import GATEWAY
from gateway.http.leased import ending_when_lost
from gateway.http.owning import owning_leased
from gateway.store.postgres import Gateway, Lease, who_is_active

__all__ = ["OfLease"]

_LOOK = 0.2


class OfLease:
    """Over HTTP, with a key that follows from the secret."""

    unanswered = "GATEWAY_DATABASE_URL: the gateway that is active does not answer"

    def __init__(self, live: LiveConfig) -> None:
        self._live = live
        self._url = live.current.gateway.gateway_database_url
        self._unreached: Gateway | None = None

    async def is_taken(self) -> bool:
        found = await who_is_active(self._url)
        return found is not None and found[0].address is not None

    @asynccontextmanager
    async def owner(self, role: Role, way: Way) -> AsyncIterator[Client]:
        if (found := await who_is_active(self._url)) is not None:
            holder, check = found
            if holder.address is not None and not self._is_unreached(holder):
                key = control_key(self._live, check)
                async with self._reached(holder, holder.address, key) as client:
                    yield client
                return
        async with make_lease(self._live, None) as lease:
            await self._turn(lease)
            way.asked = lease.asked
            async with (
                ending_when_lost(lease),
                owning_leased(self._live, role, lease) as (core, path),
                beside(path) as client,
            ):
                if way.made:
                    raise OwnerGone
                await core.holdings.tell()
                yield client

    def _is_unreached(self, holder: Gateway) -> bool:
        return self._unreached is not None and self._unreached.id == holder.id

    @asynccontextmanager
    async def _reached(self, holder: Gateway, address: str, key: str) -> AsyncIterator[Client]:
        headers = {"Authorization": f"Bearer {key}", GATEWAY: holder.id}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session:
            try:
                yield Client(session, address)
            except (aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError, Elsewhere):
                self._unreached = holder
                raise OwnerGone from None

    async def _turn(self, lease: Lease) -> None:
        """Until this command has the database. Another command has its turn first; a gateway that
        could not be reached is either dead, or elsewhere.
        """
        said = ""
        while not lease.mine.is_set():
            if lease.failure is not None:
                raise lease.failure
            said = self._say(lease.seen.holder if lease.seen else None, said)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK):
                    await lease.mine.wait()

    def _say(self, holder: Gateway | None, said: str) -> str:
        """What it waits for, once; and the end of the waiting where that is in vain."""
        if holder is None:
            return said
        if holder.address is None:
            text = f"Another command on {holder.host} uses the database: waiting for its end."
        elif self._unreached is None or self._unreached.id != holder.id:
            raise OwnerGone
        elif self._unreached.seen_at != holder.seen_at:
            raise Unreachable(
                f"The active gateway is on {holder.host} ({holder.address}) and cannot be reached "
                "from here: run this there."
            )
        else:
            text = (
                f"The active gateway on {holder.host} does not answer: waiting to see if it lives."
            )
        if text != said:
            click.echo(text, err=True)
        return text
