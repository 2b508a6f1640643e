"""A sandbox without limits, and clients that speak to it over real sockets."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from gateway.sandbox import (
    HubspotOptions,
    Sandbox,
    SandboxOptions,
    ShopifyOptions,
    SmaregiOptions,
)

CUSTOMER = """
id email phone firstName lastName state tags verifiedEmail
defaultEmailAddress { emailAddress marketingState marketingOptInLevel }
defaultAddress { id address1 city provinceCode }
"""
CREATE = f"""mutation Create($input: CustomerInput!) {{ customerCreate(input: $input) {{
 customer {{ {CUSTOMER} }} userErrors {{ field message }} }} }}"""
UPDATE = CREATE.replace("customerCreate", "customerUpdate").replace("Create(", "Update(")
FIND = (
    "query Find($by: CustomerIdentifierInput!) { customerByIdentifier(identifier: $by)"
    " { id email } }"
)


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer that was read to its end."""

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Clients:
    """Plain clients of the four systems."""

    sandbox: Sandbox
    http: aiohttp.ClientSession

    async def send(self, method: str, url: str, **options: Any) -> Reply:
        async with self.http.request(method, url, **options) as answer:
            body = await answer.read()
            is_json = answer.content_type.endswith("json") and body
            return Reply(answer.status, await answer.json() if is_json else body, answer.headers)

    async def graphql(
        self, query: str, variables: Mapping[str, Any] | None = None, token: str | None = None
    ) -> Reply:
        shop = self.sandbox.shopify
        return await self.send(
            "POST",
            f"{shop.url}/admin/api/2026-10/graphql.json",
            json={"query": query, "variables": dict(variables or {})},
            headers={"X-Shopify-Access-Token": token or shop.options.access_token},
        )

    async def create(self, **fields: Any) -> dict[str, Any]:
        """`customerCreate`'s payload."""
        reply = await self.graphql(CREATE, {"input": fields})
        payload: dict[str, Any] = reply.body["data"]["customerCreate"]
        return payload

    async def grant(self, scope: str = "pos.customers:read pos.customers:write") -> str:
        """A token of Smaregi's."""
        system = self.sandbox.smaregi
        reply = await self.send(
            "POST",
            f"{system.id_url}/app/{system.options.contract_id}/token",
            data={"grant_type": "client_credentials", "scope": scope},
            headers={
                "Authorization": aiohttp.encode_basic_auth(
                    system.options.client_id, system.options.client_secret
                )
            },
        )
        assert reply.status == 200, reply
        return str(reply.body["access_token"])

    async def smaregi(
        self, method: str, path: str, token: str | None = None, **options: Any
    ) -> Reply:
        system = self.sandbox.smaregi
        url = f"{system.api_url}/{system.options.contract_id}/pos{path}"
        bearer = token or await self.grant()
        return await self.send(
            method, url, headers={"Authorization": f"Bearer {bearer}"}, **options
        )

    async def hubspot(self, method: str, path: str, **options: Any) -> Reply:
        system = self.sandbox.hubspot
        headers = {"Authorization": f"Bearer {system.options.access_token}"}
        return await self.send(method, system.url + path, headers=headers, **options)

    async def control(self, method: str, path: str, **options: Any) -> Reply:
        return await self.send(method, f"{self.sandbox.url}/_sandbox/{path}", **options)


def unlimited(**changes: Any) -> SandboxOptions:
    """Options without rate limits and lags."""
    settings: dict[str, Any] = {
        "shopify": ShopifyOptions(unlimited=True, search_lag=0.0, merge_seconds=0.01),
        "smaregi": SmaregiOptions(reads_per_second=None, writes_per_second=None),
        "hubspot": HubspotOptions(per_ten_seconds=None, search_lag=0.0),
    }
    return SandboxOptions(**settings | changes)


@pytest.fixture
def options() -> SandboxOptions:
    """Overridden by a test's parameters where it wants other behaviour."""
    return unlimited()


@pytest.fixture
async def clients(options: SandboxOptions) -> AsyncIterator[Clients]:
    async with Sandbox(options) as sandbox, aiohttp.ClientSession() as http:
        yield Clients(sandbox, http)
