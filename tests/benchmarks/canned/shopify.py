"""Shopify's Admin GraphQL: customers are made, found and read; definitions are taken as they are.

Which document it is follows from its root field; the answers are those that documents ask for.
"""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from tests.benchmarks.canned.http import answer, unforeseen
from tests.benchmarks.canned.sightings import Sightings

__all__ = ["Shopify"]

_COST = {
    "cost": {
        "requestedQueryCost": 18,
        "actualQueryCost": 18,
        "throttleStatus": {
            "maximumAvailable": 2_000_000.0,
            "currentlyAvailable": 1_999_982,
            "restoreRate": 1_000_000.0,
        },
    }
}
_SHOP = {"id": "gid://shopify/Shop/1", "myshopifyDomain": "sandbox.myshopify.com"}

Variables = Mapping[str, Any]


class Shopify:
    def __init__(self, sightings: Sightings) -> None:
        self._sightings = sightings
        self._numbers = itertools.count(7_000_000_000_001)
        self.customers: dict[str, dict[str, Any]] = {}
        self._by_email: dict[str, dict[str, Any]] = {}
        self._roots: dict[str, Callable[[str, Variables], Any]] = {
            "customerCreate(": self._create,
            "customerByIdentifier(": self._find,
            "nodes(": self._nodes,
            "metafieldDefinitions(": lambda _query, _asked: {"nodes": []},
            "metafieldDefinitionCreate(": _defined,
            "customers(": self._newest,
            "shop {": lambda _query, _asked: _SHOP,
        }

    def __call__(self, method: str, path: str, body: bytes) -> bytes:
        if not path.endswith("/graphql.json"):
            raise unforeseen("no GraphQL")
        asked = orjson.loads(body)
        query = asked["query"]
        operation = query.partition("{")[2].lstrip()
        for root, answers in self._roots.items():
            if operation.startswith(root):
                data = {root.rstrip("( {"): answers(query, asked.get("variables") or {})}
                return answer(200, orjson.dumps({"data": data, "extensions": _COST}))
        raise unforeseen(operation.partition("(")[0])

    def _create(self, query: str, variables: Variables) -> Any:
        told = variables["input"]
        email = told["email"].lower()
        if email in self._by_email:
            error = {"field": ["email"], "message": "Email has already been taken"}
            return {"customer": None, "userErrors": [error]}
        number = str(next(self._numbers))
        customer = _customer(f"gid://shopify/Customer/{number}", told)
        self.customers[customer["id"]] = self._by_email[email] = customer
        self._sightings.customer(number)
        shown = customer if "CustomerFields" in query else {"id": customer["id"]}
        return {"customer": shown, "userErrors": []}

    def _find(self, _: str, variables: Variables) -> Any:
        by = variables["identifier"]
        if "emailAddress" in by:
            return self._by_email.get(by["emailAddress"].lower())
        raise unforeseen("an identifier other than the e-mail")

    def _nodes(self, _: str, variables: Variables) -> Any:
        return [self.customers.get(gid) for gid in variables["ids"]]

    def _newest(self, query: str, variables: Variables) -> Any:
        if "reverse: true" not in query:
            raise unforeseen("customers in another order than the newest first")
        newest = itertools.islice(reversed(self.customers.values()), variables["first"])
        return {"nodes": [_with_its_registration(one) for one in newest]}


def _defined(_: str, __: Variables) -> Any:
    made = {"id": "gid://shopify/MetafieldDefinition/1"}
    return {"createdDefinition": made, "userErrors": []}


def _customer(gid: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """As `CustomerFields` of `gateway.shopify.documents` selects it."""
    fields = told.get("metafields") or ()
    birth_date = next((f["value"] for f in fields if f["namespace"] == "facts"), None)
    subscribed = "emailMarketingConsent" in told
    return {
        "id": gid,
        "state": "DISABLED",
        "firstName": told.get("firstName"),
        "lastName": told.get("lastName"),
        "locale": told.get("locale"),
        "defaultEmailAddress": {
            "emailAddress": told["email"],
            "marketingState": "SUBSCRIBED" if subscribed else "NOT_SUBSCRIBED",
        },
        "defaultPhoneNumber": {"phoneNumber": told["phone"]} if told.get("phone") else None,
        "defaultAddress": _address(told),
        "registration": {
            "nodes": [
                {"key": f["key"], "value": f["value"]}
                for f in fields
                if f["namespace"] == "registration"
            ]
        },
        "birthDate": {"value": birth_date} if birth_date else None,
    }


def _address(told: Mapping[str, Any]) -> dict[str, Any] | None:
    if not told.get("addresses"):
        return None
    given = told["addresses"][0]
    names = ("zip", "provinceCode", "city", "address1", "address2", "phone")
    place = {"id": "gid://shopify/MailingAddress/1", "countryCodeV2": given["countryCode"]}
    return place | {name: given.get(name) for name in names}


def _with_its_registration(customer: Mapping[str, Any]) -> dict[str, Any]:
    ids = [f["value"] for f in customer["registration"]["nodes"] if f["key"] == "id"]
    return {"id": customer["id"], "registration": {"value": ids[0]} if ids else None}
