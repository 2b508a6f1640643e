"""HubSpot's contacts over HTTP: each call, under the account's limit. A dry run stops at writes."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

import orjson

from gateway.channels.crm.hubspot.mapping import GIVEN
from gateway.channels.crm.hubspot.responses import Contact, contact, refused, trouble
from gateway.channels.crm.hubspot.settings import HubspotSettings
from gateway.wire import Access, Call, RateLimit, UpstreamAnswer, Wire

__all__ = ["SYSTEM", "HubSpotClient"]

SYSTEM = "crm"
_PROPERTIES = "properties"
_PER_TEN_SECONDS = 100
"""Of Free and Starter accounts, until the answers' headers tell this account's own limit."""


class HubSpotClient:
    """Raises UpstreamError for what is no customer's fault; returns other answers."""

    def __init__(self, wire: Wire, settings: Callable[[], HubspotSettings]) -> None:
        self._wire = wire
        self._settings = settings
        self._limit = RateLimit(time.monotonic, _PER_TEN_SECONDS, 10.0)
        self._told = ("", "")

    def create(self, properties: Mapping[str, str]) -> Awaitable[UpstreamAnswer]:
        body = {"properties": properties, "associations": []}
        return self._send("create contact", Access.WRITE, "POST", "", body)

    def update(self, contact_id: str, properties: Mapping[str, str]) -> Awaitable[UpstreamAnswer]:
        path, body = f"/{contact_id}", {"properties": properties}
        return self._send("update contact", Access.WRITE, "PATCH", path, body)

    async def archive(self, contact_id: str) -> None:
        """A contact that is gone already counts as done."""
        answer = await self._send("archive contact", Access.WRITE, "DELETE", f"/{contact_id}")
        if answer.status not in {204, 404}:
            raise refused(answer)

    async def read(self, contact_id: str) -> Mapping[str, Any] | None:
        """Its properties, of those that the gateway gives a contact."""
        path, params = f"/{quote(contact_id, safe='')}", {"properties": ",".join(GIVEN)}
        answer = await self._send("read contact", Access.READ, "GET", path, params=params)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise refused(answer)
        contact(answer)
        found = answer.json().get("properties")
        return found if isinstance(found, dict) else {}

    async def by_id(self, contact_id: str) -> Contact | None:
        """The id of a contact that was merged into another finds the other one."""
        answer = await self._find(f"/{quote(contact_id, safe='')}", {})
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise refused(answer)
        return contact(answer)

    async def by(self, id_property: str, value: str) -> Contact | None:
        """By a unique property, or by any of a contact's e-mails.

        400 is the answer for a property that is not unique, and for a value that it cannot have.
        """
        if not value:
            return None
        answer = await self._find(f"/{quote(value, safe='@')}", {"idProperty": id_property})
        if answer.status in {400, 404}:
            return None
        if answer.status != 200:
            raise refused(answer)
        return contact(answer)

    async def properties(self) -> UpstreamAnswer:
        """Whatever the status: a token may lack the scope (403)."""
        return await self._send("list properties", Access.READ, "GET", room=_PROPERTIES)

    async def make_property(self, body: Mapping[str, Any]) -> UpstreamAnswer:
        return await self._send(
            "create property", Access.WRITE, "POST", body=body, room=_PROPERTIES
        )

    async def _find(self, path: str, params: Mapping[str, str]) -> UpstreamAnswer:
        wanted = {**params, "properties": "shopify_customer_id"}
        return await self._send("find contact", Access.READ, "GET", path, params=wanted)

    async def _send(
        self,
        operation: str,
        access: Access,
        method: str,
        path: str = "",
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
        room: str = "objects",
    ) -> UpstreamAnswer:
        """Raises what is about the account, token or moment; of properties only their rate."""
        await self._limit.acquire()
        settings = self._settings()
        secret = settings.hubspot_access_token
        token = "" if secret is None else secret.get_secret_value()
        base, version = settings.hubspot_base_url, settings.hubspot_api_version
        answer = await self._wire.send(
            Call(
                SYSTEM,
                operation,
                access,
                method,
                f"{base}/crm/{room}/{version}/contacts{path}",
                headers={
                    "Authorization": f"Bearer {token}",
                    "Content-Type": "application/json",
                },
                params=params,
                body=None if body is None else orjson.dumps(body),
            )
        )
        self._learn_limit(answer)
        error = trouble(answer)
        if error is None or (room == _PROPERTIES and answer.status != 429):
            return answer
        if answer.status == 429:
            self._limit.throttled(error.retry_after)
        raise error

    def _learn_limit(self, answer: UpstreamAnswer) -> None:
        """`X-HubSpot-RateLimit-Max` requests in `-Interval-Milliseconds`, where it says so."""
        most = answer.headers.get("X-HubSpot-RateLimit-Max", "")
        interval = answer.headers.get("X-HubSpot-RateLimit-Interval-Milliseconds", "")
        if (most, interval) == self._told:
            return
        self._told = (most, interval)
        if most.isdigit() and interval.isdigit() and int(most) >= 10 and int(interval) >= 1000:
            self._limit.allow(float(most), int(interval) / 1000)
