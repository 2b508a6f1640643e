"""Smaregi's edges: the token endpoint, the form of its errors, and its webhook."""

import base64
import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from urllib.parse import parse_qs

import orjson

from gateway.sandbox.call import Call, StandInAnswer
from gateway.sandbox.options import SmaregiOptions
from gateway.sandbox.webhooks import Delivery, json_headers


def needed_scope(call: Call) -> str:
    """Members and their settings, transactions and stores have scopes of their own."""
    room = call.segments[2] if len(call.segments) > 2 else ""
    kind = room if room in {"transactions", "stores"} else "customers"
    return f"pos.{kind}:{'read' if call.method == 'GET' else 'write'}"


class Grants:
    """Client-credentials tokens: `POST /app/{contract}/token`, Basic auth, a form."""

    def __init__(
        self, options: SmaregiOptions, clock: Callable[[], float], scopes: AbstractSet[str]
    ) -> None:
        self._options = options
        self._scopes = scopes
        self._clock = clock
        self._tokens: dict[str, tuple[float, frozenset[str]]] = {}

    def clear(self) -> None:
        self._tokens.clear()

    def scopes(self, token: str) -> frozenset[str] | None:
        """What a token may do; None for one that is unknown or over."""
        ends, scopes = self._tokens.get(token, (0.0, frozenset()))
        return scopes if ends > self._clock() else None

    def answer(self, call: Call) -> StandInAnswer:
        options = self._options
        pair = f"{options.client_id}:{options.client_secret}".encode()
        basic = f"Basic {base64.b64encode(pair).decode()}"
        if call.segments != ("app", options.contract_id, "token") or call.method != "POST":
            return problem(404, "Not Found", "リソースが見つかりません")
        if call.headers.get("Authorization") != basic:
            return StandInAnswer(
                401, {"error": "invalid_client", "error_description": "認証エラー"}
            )
        asked = parse_qs(call.body.decode(errors="replace"))
        if asked.get("grant_type") != ["client_credentials"]:
            return StandInAnswer(400, {"error": "unsupported_grant_type"})
        wanted = frozenset(" ".join(asked.get("scope", [])).split()) & self._scopes
        return self._granted(wanted) if wanted else StandInAnswer(400, {"error": "invalid_scope"})

    def _granted(self, scopes: frozenset[str]) -> StandInAnswer:
        token = secrets.token_urlsafe(24)
        seconds = self._options.token_seconds
        self._tokens[token] = (self._clock() + seconds, scopes)
        body = {"scope": " ".join(sorted(scopes)), "token_type": "Bearer"}
        return StandInAnswer(200, body | {"expires_in": seconds, "access_token": token})


def problem(
    status: int, title: str, detail: str, headers: Mapping[str, str] | None = None
) -> StandInAnswer:
    body = {"type": "about:blank", "title": title, "detail": detail, "status": status}
    return StandInAnswer(status, body, headers or {})


def notice(
    url: str,
    contract_id: str,
    action: str,
    member_ids: Sequence[int],
    extra_headers: Mapping[str, str],
) -> Delivery:
    """The webhook `pos:customers`: ids only, unsigned."""
    ids = [str(member_id) for member_id in member_ids]
    body = {
        "contractId": contract_id,
        "event": "pos:customers",
        "action": action,
        "customerIds": ids,
    }
    headers = {
        "smaregi-event": "pos:customers",
        "smaregi-event-id": uuid.uuid4(),
        "smaregi-contract-id": contract_id,
        **extra_headers,
    }
    return Delivery(url, json_headers(headers), orjson.dumps(body), f"{action} {','.join(ids)}")
