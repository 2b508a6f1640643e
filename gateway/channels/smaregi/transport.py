"""The way to Smaregi's platform API: tokens, rates, and refusals that are about these.

Members have a token of their own: if a contract does not give other scopes (transactions, stores),
sign-ups must work all the same.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

import orjson

from gateway import frozen
from gateway.channels.smaregi.responses import refused
from gateway.channels.smaregi.settings import SmaregiSettings
from gateway.errors import ErrorClass
from gateway.wire import Access, Call, ClientCredentials, RateLimit, UpstreamAnswer, Wire
from gateway.wire.tokens import Grant, grant_of

__all__ = ["CUSTOMERS", "POINTS", "SYSTEM", "Asked", "Scopes", "SmaregiTransport"]

SYSTEM = "smaregi"
_SETTINGS = "SMAREGI_CONTRACT_ID, SMAREGI_CLIENT_ID and SMAREGI_CLIENT_SECRET"
_SCAN_SHARE = 0.8 / 0.95
"""Four fifths of the reads, since a RateLimit keeps a little of its rate to itself. Counted
over five seconds, so that a page which came late is made up for; `_reads` bounds each second."""


@dataclass(frozen=True, slots=True, eq=False)
class Scopes:
    """What one token is for."""

    names: tuple[str, ...]

    def needed(self, asked: "Asked") -> str:
        """The scope of a request, by the room that its path begins with."""
        room = asked.path.split("/")[1]
        kind = "read" if asked.access is Access.READ else "write"
        wanted = f"pos.{room}:{kind}"
        return wanted if wanted in self.names else f"pos.customers:{kind}"


CUSTOMERS = Scopes(("pos.customers:read", "pos.customers:write"))
POINTS = Scopes(("pos.transactions:read", "pos.transactions:write", "pos.stores:read"))


@frozen
class Asked:
    """One request; `path` follows `/{contract}/pos`."""

    operation: str
    access: Access
    method: str
    path: str
    params: Mapping[str, str] | None = None
    body: Mapping[str, Any] | None = None


class SmaregiTransport:
    """`clock` is monotonic."""

    def __init__(
        self, wire: Wire, settings: Callable[[], SmaregiSettings], clock: Callable[[], float]
    ) -> None:
        self._wire = wire
        self._settings = settings
        self._clock = clock
        self._grants = {
            scopes: ClientCredentials(partial(self._ask_token, scopes), clock)
            for scopes in (CUSTOMERS, POINTS)
        }
        self._rates: tuple[float, float] = (0, 0)
        self._limits(settings())

    def _limits(self, settings: SmaregiSettings) -> None:
        """Rates as set; the scan of members has its own limit, four fifths of the reads."""
        rates = (settings.smaregi_reads_per_second, settings.smaregi_writes_per_second)
        if rates != self._rates:
            self._rates = rates
            self._reads = RateLimit(self._clock, rates[0])
            self._writes = RateLimit(self._clock, rates[1])
            self._scan_reads = RateLimit(self._clock, rates[0] * _SCAN_SHARE * 5, 5.0)

    async def turn_of_the_scan(self) -> None:
        self._limits(self._settings())
        await self._scan_reads.acquire()

    async def _ask_token(self, scopes: Scopes) -> Grant:
        settings = self._settings()
        secret = settings.smaregi_client_secret
        pair = f"{settings.smaregi_client_id}:{secret.get_secret_value() if secret else ''}"
        answer = await self._wire.send(
            Call(
                SYSTEM,
                "token",
                Access.READ,
                "POST",
                f"{settings.smaregi_id_url}/app/{settings.smaregi_contract_id}/token",
                headers={
                    "Authorization": "Basic " + base64.b64encode(pair.encode()).decode(),
                    "Content-Type": "application/x-www-form-urlencoded",
                },
                body=urlencode(
                    {"grant_type": "client_credentials", "scope": " ".join(scopes.names)}
                ).encode(),
                introduces=True,
            )
        )
        wrong = f"Smaregi gives no token: check {_SETTINGS}"
        if scopes is not CUSTOMERS:
            wrong += f", and that the app has the scopes {', '.join(scopes.names)}"
        return grant_of(answer, wrong)

    async def lacking(self, scopes: Scopes) -> list[str]:
        """The scopes that the token lacks, if its answer names them."""
        grant = self._grants[scopes]
        await grant.token()
        given = grant.scopes
        return [scope for scope in scopes.names if given is not None and scope not in given]

    async def prove(self, scopes: Scopes) -> None:
        """Proves that this contract gives us a token. Raises UpstreamError."""
        await self._grants[scopes].token()

    async def send(self, asked: Asked, scopes: Scopes) -> UpstreamAnswer:
        """An answer that speaks of what was asked, and not of token, contract or rate."""
        settings = self._settings()
        self._limits(settings)
        limit = self._reads if asked.access is Access.READ else self._writes
        grant = self._grants[scopes]
        for last in (False, True):
            token = grant.known() or await grant.token()
            await limit.acquire()
            answer = await self._wire.send(_call(asked, settings, token))
            if answer.status == 429:
                error = refused(answer)
                limit.throttled(error.retry_after)
                raise error
            if answer.status not in {401, 403} or last:
                break
            grant.reject(token)
        if answer.status == 403:
            raise refused(answer, ErrorClass.AUTH, self._forbidden(asked, scopes))
        return answer

    def _forbidden(self, asked: Asked, scopes: Scopes) -> str:
        """By the scopes that the token's answer named; some contracts' plans have no members."""
        needed, given = scopes.needed(asked), self._grants[scopes].scopes
        if given is not None and needed not in given:
            return f"HTTP 403: the token lacks the scope {needed}: give it to the app in Smaregi"
        return f"HTTP 403: check that the app has the scope {needed}, and the contract's plan"


def _call(asked: Asked, settings: SmaregiSettings, token: str) -> Call:
    url = f"{settings.smaregi_api_url}/{settings.smaregi_contract_id}/pos{asked.path}"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return Call(
        SYSTEM,
        asked.operation,
        asked.access,
        asked.method,
        url,
        headers=headers,
        params=asked.params,
        body=None if asked.body is None else orjson.dumps(asked.body),
    )
