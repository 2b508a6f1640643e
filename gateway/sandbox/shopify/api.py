"""Shopify over HTTP: tokens, the GraphQL endpoint with its costs, and what happens in the shop."""

import asyncio
import re
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from graphql import GraphQLError

from gateway.sandbox.call import Call, Description, Kind, NotJsonError, StandInAnswer
from gateway.sandbox.naming import named as form_of
from gateway.sandbox.options import ShopifyOptions
from gateway.sandbox.shopify import cost, notices, schema
from gateway.sandbox.shopify.grants import Grants
from gateway.sandbox.shopify.naming import named
from gateway.sandbox.shopify.orders import Orders
from gateway.sandbox.shopify.records import Customer
from gateway.sandbox.shopify.session import MergeJob, Session
from gateway.sandbox.shopify.store import Store
from gateway.sandbox.webhooks import Webhooks

_VERSION = re.compile(r"20\d\d-(01|04|07|10)|unstable")
_WEBHOOK_SECONDS = 5.0
_BAD_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"  # noqa: S105
_LIMITS = "https://shopify.dev/api/usage/rate-limits"


class Shopify:
    """One shop. Tests change it as staff and customers do: `add_customer`, `edit_customer`,
    `enable`, `delete_customer`, `merge_customers`, and `orders`; such changes send webhooks as the
    API's do.
    """

    def __init__(self, options: ShopifyOptions, clock: Callable[[], float] | None = None) -> None:
        self.options = options
        self.scopes = set(options.scopes)
        self.webhooks = Webhooks(_WEBHOOK_SECONDS, options.webhook_retries)
        self._clock = clock or time.time
        self.grants = Grants(options, self._clock)
        self._timers: set[asyncio.TimerHandle] = set()
        self._empty()

    def _empty(self) -> None:
        options = self.options
        self.store = Store(options.first_id, self._clock, self._announce)
        self.bucket = cost.Bucket(options.bucket, options.restore, options.unlimited)
        self.orders = Orders(
            self._clock, lambda topic, _order, body: self._send(topic, lambda: body)
        )
        self._jobs: dict[str, MergeJob] = {}

    @property
    def unreadable(self) -> set[int]:
        """Ids of customers of whom every query ends in an internal error."""
        return self.store.unreadable

    @property
    def customers(self) -> dict[int, Customer]:
        """By number. Change them through `edit_customer`, which keeps the indexes right."""
        return self.store.customers

    def add_customer(
        self, *, state: str = "DISABLED", number_of_orders: int = 0, **fields: Any
    ) -> Customer:
        """A customer who came another way (a guest order, the admin, a sign-in).

        `fields` are those of the schema's `CustomerInput`, in camel case.
        """
        made = self.store.create(fields)
        made.state, made.number_of_orders = state, number_of_orders
        return made

    def edit_customer(self, customer_id: int, **fields: Any) -> Customer:
        """A change made in the admin; `fields` as `add_customer`. KeyError for an unknown id."""
        found = self.customers[customer_id]
        self.store.update(found, fields)
        return found

    def enable(self, customer_id: int) -> None:
        """The customer signs in for the first time."""
        self.store.enable(self.customers[customer_id])

    def delete_customer(self, customer_id: int) -> None:
        self.store.delete(self.customers[customer_id])

    def merge_customers(self, kept: int, gone: int) -> None:
        """Merged in the admin, at once. Nothing where one of them is not there."""
        self._merge(MergeJob(f"gid://shopify/Job/{uuid.uuid4()}", kept, gone))

    def stop(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def reset(self) -> None:
        self.stop()
        self.webhooks.reset()
        self.grants.restore()
        self._empty()

    def describe(self, call: Call) -> Description:
        full = f"{call.method} /{'/'.join(call.segments)}"
        if call.segments[:2] == ("admin", "oauth"):
            return Description("POST /token", "token", (full, "POST /token"), form_of(call))
        text, variables, name = _asked(call)
        operation = schema.document(text).operation(name)
        fields = schema.roots(operation)
        called = operation.name.value if operation and operation.name else ""
        kind: Kind = "write" if schema.is_mutation(operation) else "read"
        names = named(text, operation, variables)
        return Description(",".join(fields) or "?", kind, (full, *fields, called), names)

    def throttled(self, call: Call, retry_after: float | None) -> StandInAnswer:
        points = max(1, self._cost(call))
        left = 0.0 if retry_after is None else points - retry_after * self.bucket.restore
        self.bucket.drain(max(0.0, min(points - 1.0, left)))
        return self._throttled(points)

    def answer(self, call: Call) -> StandInAnswer:
        if call.method == "POST" and call.segments == ("admin", "oauth", "access_token"):
            return self.grants.answer(call)
        match call.segments:
            case ("admin", "api", version, "graphql.json") if (
                call.method == "POST" and _VERSION.fullmatch(version)
            ):
                if not self.grants.admits(call.headers.get("X-Shopify-Access-Token", "")):
                    return StandInAnswer(401, {"errors": _BAD_TOKEN})
                return self._graphql(call)
        return StandInAnswer(404, {"errors": "Not Found"})

    def _graphql(self, call: Call) -> StandInAnswer:
        text, variables, name = _asked(call)
        if not text:
            return StandInAnswer(
                400, {"errors": {"query": "Required parameter missing or invalid"}}
            )
        document = schema.document(text)
        operation = document.operation(name)
        if document.errors:
            return StandInAnswer(200, {"errors": [_shown(error) for error in document.errors]})
        if document.node is None or operation is None:
            return StandInAnswer(
                200, {"errors": [{"message": "No operation named in the document"}]}
            )
        points = cost.requested(document.node, operation, variables)
        if points > (most := self.options.max_cost):
            text = f"Query cost is {points}, which exceeds the single query max cost limit ({most})"
            error = {"message": text, "extensions": {"code": "MAX_COST_EXCEEDED"}}
            return StandInAnswer(200, {"errors": [error]})
        if not self.bucket.admit(points):
            return self._throttled(points)
        session = self._session()
        result = schema.execute(document.node, session, variables, name)
        body: dict[str, Any] = {"data": result.data}
        if result.errors:
            body["errors"] = [_shown(error) for error in result.errors]
        returned = _returned(result.data)
        actual = min(points, cost.requested(document.node, operation, variables, returned))
        self.bucket.give_back(points - actual)
        body["extensions"] = {"cost": self.bucket.status(points, actual)}
        if session.ignored:
            warned = [
                {"field": each, "message": "Invalid search field"} for each in session.ignored
            ]
            body["extensions"]["search"] = [{"warnings": warned}]
        effects = session.effects
        return StandInAnswer(
            200,
            body,
            {"X-Shopify-API-Version": call.segments[2]},
            applied=bool(effects),
            target=effects[0] if effects else None,
        )

    def _throttled(self, points: int) -> StandInAnswer:
        error = {
            "message": "Throttled",
            "extensions": {"code": "THROTTLED", "documentation": _LIMITS},
        }
        return StandInAnswer(
            200, {"errors": [error], "extensions": {"cost": self.bucket.status(points, None)}}
        )

    def _cost(self, call: Call) -> int:
        text, variables, name = _asked(call)
        document = schema.document(text)
        operation = document.operation(name)
        if document.node is None or operation is None:
            return 1
        return cost.requested(document.node, operation, variables)

    def _session(self) -> Session:
        return Session(
            self.store,
            self.options,
            self._clock(),
            self._jobs,
            self._merge_later,
            frozenset(self.scopes),
            self.orders.rows,
            self.orders.discounts,
        )

    def _announce(self, topic: str, customer: Customer) -> None:
        self._send(topic, lambda: notices.payload(topic, customer))

    def _send(self, topic: str, body: Callable[[], Mapping[str, Any]]) -> None:
        for gid in self.webhooks.given_up:
            self.store.subscriptions.pop(int(gid.rpartition("/")[2]), None)
        self.webhooks.given_up.clear()
        wanted = [each for each in self.store.subscriptions.values() if each.topic == topic]
        options = self.options
        for each in wanted:
            self.webhooks.send(
                notices.signed(each, body(), options.store, options.client_secret, "2026-10")
            )

    def _merge_later(self, job: MergeJob) -> None:
        def merge() -> None:
            self._timers.discard(timer)
            self._merge(job)

        loop = asyncio.get_running_loop()
        timer = loop.call_later(self.options.merge_seconds, merge)
        self._timers.add(timer)

    def _merge(self, job: MergeJob) -> None:
        kept, gone = self.customers.get(job.kept), self.customers.get(job.gone)
        if kept is None or gone is None:
            return
        self.store.delete(gone, topic="")
        kept.addresses += gone.addresses
        kept.number_of_orders += gone.number_of_orders
        for name, metafield in gone.metafields.items():
            kept.metafields.setdefault(name, metafield)
        for order in self.orders.rows.values():
            if order.customer_id == gone.id:
                order.customer_id = kept.id
        self.orders.discounts.move_customer(gone.id, kept.id)
        self.store.touch(kept)
        self._send("CUSTOMERS_MERGE", lambda: notices.merged(kept.gid, gone.gid, job.id))


def _asked(call: Call) -> tuple[str, dict[str, Any], str | None]:
    """The query text, its variables and the operation's name; an empty text for no query."""
    try:
        body = call.json_object()
    except NotJsonError:
        return "", {}, None
    text, variables = body.get("query"), body.get("variables") or {}
    if not isinstance(text, str) or not isinstance(variables, dict):
        return "", {}, None
    return text, variables, body.get("operationName")


def _returned(data: Mapping[str, Any] | None) -> dict[str, int]:
    """How many records each root field has answered: an operation costs what it returned."""
    found = {}
    for name, value in (data or {}).items():
        records = value
        if isinstance(value, dict):
            records = value.get("nodes", value.get("edges"))
        if isinstance(records, list):
            found[name] = len(records)
    return found


def _shown(error: GraphQLError) -> dict[str, Any]:
    return dict(error.formatted)
