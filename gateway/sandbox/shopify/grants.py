"""Shopify's two kinds of token: the static one of an old custom app, and the grant's."""

import secrets
from collections.abc import Callable
from urllib.parse import parse_qs

from gateway.sandbox.call import Call, StandInAnswer
from gateway.sandbox.options import ShopifyOptions


class Grants:
    """`POST /admin/oauth/access_token`; there is no refresh token, one asks again."""

    def __init__(self, options: ShopifyOptions, clock: Callable[[], float]) -> None:
        self._options = options
        self._clock = clock
        self._tokens: dict[str, float] = {}
        self._static_works = True

    def revoke(self) -> None:
        """Every token is refused from now on, the static one included."""
        self._tokens.clear()
        self._static_works = False

    def restore(self) -> None:
        """The static token works again."""
        self._static_works = True

    def expire(self) -> None:
        """Every granted token is refused from now on (401); new ones are granted."""
        self._tokens.clear()

    def admits(self, token: str) -> bool:
        if token == self._options.access_token:
            return self._static_works
        return self._tokens.get(token, 0.0) > self._clock()

    def answer(self, call: Call) -> StandInAnswer:
        options = self._options
        asked = {name: values[0] for name, values in parse_qs(call.body.decode("latin-1")).items()}
        if asked.get("grant_type") != "client_credentials":
            return StandInAnswer(400, {"error": "unsupported_grant_type"})
        known = options.client_id, options.client_secret
        if (asked.get("client_id"), asked.get("client_secret")) != known:
            text = "The application is not recognized"
            return StandInAnswer(
                400, {"error": "application_cannot_be_found", "error_description": text}
            )
        token = f"shpat_{secrets.token_hex(16)}"
        self._tokens[token] = self._clock() + options.token_seconds
        scope = ",".join(sorted(options.scopes))
        body = {"access_token": token, "scope": scope, "expires_in": options.token_seconds}
        return StandInAnswer(200, body)
