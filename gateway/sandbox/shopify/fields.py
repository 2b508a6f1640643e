"""Fields of the types that need more than an attribute of the record."""

from collections.abc import Callable
from typing import Any

import orjson
from graphql import GraphQLResolveInfo

from gateway.sandbox.shopify import search
from gateway.sandbox.shopify.records import (
    Customer,
    MailingAddress,
    Metafield,
    MetafieldDefinition,
    WebhookSubscription,
)
from gateway.sandbox.shopify.session import require_protected
from gateway.sandbox.shopify.store import APP_NAMESPACE

Resolver = Callable[..., Any]


def _protected(read: Callable[[Customer], Any]) -> Resolver:
    def resolve(source: Customer, info: GraphQLResolveInfo, **_arguments: Any) -> Any:
        require_protected(info)
        return read(source)

    return resolve


def _email_address(source: Customer) -> dict[str, Any] | None:
    if source.email is None:
        return None
    return {
        "emailAddress": source.email,
        "marketingState": source.consent.state,
        "marketingOptInLevel": source.consent.level,
        "marketingUpdatedAt": source.consent.updated_at,
        "validFormat": True,
    }


def _consent(source: Customer, _info: GraphQLResolveInfo) -> dict[str, Any] | None:
    consent = source.consent
    if source.email is None:
        return None
    return {
        "marketingState": consent.state,
        "marketingOptInLevel": consent.level,
        "consentUpdatedAt": consent.updated_at,
    }


def _metafield(
    source: Customer, _info: GraphQLResolveInfo, key: str, namespace: str | None = None
) -> Metafield | None:
    if namespace is None and "." in key:
        namespace, _, key = key.partition(".")
    return source.metafields.get((namespace or APP_NAMESPACE, key))


def _metafields(source: Customer, _info: GraphQLResolveInfo, **asked: Any) -> dict[str, Any]:
    found = [
        each
        for each in source.metafields.values()
        if asked.get("namespace") in {None, each.namespace}
        and (asked.get("keys") is None or f"{each.namespace}.{each.key}" in asked["keys"])
    ]
    return search.page(found, asked, search.by_id)


def _addresses(source: Customer, info: GraphQLResolveInfo, first: int | None = None) -> Any:
    require_protected(info)
    return source.addresses[: first or 250]


def _addresses_v2(source: Customer, info: GraphQLResolveInfo, **asked: Any) -> dict[str, Any]:
    require_protected(info)
    return search.page(source.addresses, asked, search.by_id)


def _formatted(source: MailingAddress, _info: GraphQLResolveInfo, **asked: Any) -> list[str]:
    lines = [
        source.name if asked.get("withName") else None,
        source.company if asked.get("withCompany") else None,
        f"〒{source.zip}" if source.zip else None,
        source.province,
        source.city,
        source.address1,
        source.address2,
        source.country,
    ]
    return [line for line in lines if line]


def _json_value(source: Metafield, _info: GraphQLResolveInfo) -> Any:
    parsed = {"json", "boolean", "number_integer"}
    return orjson.loads(source.value) if source.type in parsed else source.value


def _gid(source: Any, _info: GraphQLResolveInfo) -> str:
    return str(source["id"] if isinstance(source, dict) else source.gid)


def _definition_type(source: MetafieldDefinition, _info: GraphQLResolveInfo) -> dict[str, Any]:
    return {"name": source.type, "category": "TEXT"}


def _capabilities(source: MetafieldDefinition, _info: GraphQLResolveInfo) -> dict[str, Any]:
    return {"uniqueValues": {"enabled": source.unique, "eligible": True}}


def _number(source: Customer | Metafield | WebhookSubscription, _info: GraphQLResolveInfo) -> int:
    return source.id


FIELDS: dict[str, dict[str, Resolver]] = {
    "Customer": {
        "id": _gid,
        "legacyResourceId": _number,
        "email": _protected(lambda each: each.email),
        "phone": _protected(lambda each: each.phone),
        "firstName": _protected(lambda each: each.first_name),
        "lastName": _protected(lambda each: each.last_name),
        "defaultEmailAddress": _protected(_email_address),
        "defaultPhoneNumber": _protected(lambda each: each.phone and {"phoneNumber": each.phone}),
        "defaultAddress": _protected(lambda each: each.default_address),
        "addresses": _addresses,
        "addressesV2": _addresses_v2,
        "emailMarketingConsent": _consent,
        "validEmailAddress": lambda each, _info: each.email is not None,
        "metafield": _metafield,
        "metafields": _metafields,
    },
    "MailingAddress": {
        "id": _gid,
        "countryCodeV2": lambda each, _info: each.country_code,
        "formatted": _formatted,
    },
    "Metafield": {
        "id": _gid,
        "legacyResourceId": _number,
        "jsonValue": _json_value,
        "ownerType": lambda _each, _info: "CUSTOMER",
    },
    "MetafieldDefinition": {
        "id": _gid,
        "type": _definition_type,
        "capabilities": _capabilities,
    },
    "WebhookSubscription": {
        "id": _gid,
        "legacyResourceId": _number,
        "callbackUrl": lambda each, _info: each.uri,
    },
}
