"""What is changed. Each mutation checks everything first: it takes effect whole or not at all."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from graphql import GraphQLResolveInfo

from gateway.sandbox.shopify import addresses, definitions, discount_fields
from gateway.sandbox.shopify.records import Customer
from gateway.sandbox.shopify.rules import UserError, consent_errors, customer_errors, tag_errors
from gateway.sandbox.shopify.session import MergeJob, customer_of, done, of, refused, require
from gateway.sandbox.shopify.store import APP_NAMESPACE, merged_tags

Info = GraphQLResolveInfo
Payload = dict[str, Any]

_CONSENT_ELSEWHERE = (
    "To update emailMarketingConsent, please use the customerEmailMarketingConsentUpdate"
    " Mutation instead"
)
_NO_CUSTOMER = UserError(("id",), "Customer does not exist", "NOT_FOUND")


def _errors(info: Info, values: Mapping[str, Any], mine: int | None) -> list[UserError]:
    session = of(info)
    return [
        *customer_errors(values, session.options.carrier_addresses),
        *session.store.taken(values, mine),
        *session.store.metafield_errors(values.get("metafields") or (), mine),
    ]


def customer_create(_root: Any, info: Info, input: Mapping[str, Any]) -> Payload:  # noqa: A002
    require(info, "write_customers")
    errors = _errors(info, input, None)
    if not any(input.get(name) for name in ("email", "phone", "firstName", "lastName")):
        text = "Customer must have a name, phone number or email address"
        errors.append(UserError(None, text, "BLANK"))
    if errors:
        return refused(errors, customer=None)
    made = of(info).store.create(input)
    return done(info, made.gid, customer=made)


def customer_update(_root: Any, info: Info, input: Mapping[str, Any]) -> Payload:  # noqa: A002
    """Lists that are given (addresses, tags) replace the customer's."""
    require(info, "write_customers")
    found = customer_of(info, input["id"]) if input.get("id") else None
    if found is None:
        return refused([_NO_CUSTOMER], customer=None)
    if input.get("emailMarketingConsent"):
        error = UserError(("emailMarketingConsent",), _CONSENT_ELSEWHERE)
        return refused([error], customer=None)
    if errors := _errors(info, input, found.id):
        return refused(errors, customer=found)
    of(info).store.update(found, input)
    return done(info, found.gid, customer=found)


def customer_set(
    _root: Any,
    info: Info,
    input: Mapping[str, Any],  # noqa: A002
    identifier: Mapping[str, Any] | None = None,
) -> Payload:
    """An upsert with coded errors, without metafields and consent; lists are replaced."""
    require(info, "write_customers")
    found = _identified(info, identifier or ({"id": input["id"]} if input.get("id") else {}))
    if errors := _errors(info, input, found.id if found else None):
        rooted = [
            UserError(("input", *(error.field or ())), error.message, error.code)
            for error in errors
        ]
        return refused(rooted, customer=None)
    store = of(info).store
    if found is None:
        found = store.create(dict(identifier or {}) | dict(input))
    else:
        store.update(found, input)
    return done(info, found.gid, customer=found)


def _identified(info: Info, identifier: Mapping[str, Any]) -> Customer | None:
    store = of(info).store
    match next(iter(identifier.items()), (None, None)):
        case "id", gid:
            return customer_of(info, str(gid))
        case "email", email:
            return store.by_email(str(email))
        case "phone", phone:
            return store.by_phone(str(phone))
        case "customId", custom:
            found: Mapping[str, Any] = custom or {}
            space = found.get("namespace") or APP_NAMESPACE
            return store.by_unique(space, found["key"], found["value"])
    return None


def consent_update(_root: Any, info: Info, input: Mapping[str, Any]) -> Payload:  # noqa: A002
    require(info, "write_customers")
    found = customer_of(info, input["customerId"])
    if found is None:
        error = UserError(("input", "customerId"), "Customer not found", "INVALID")
        return refused([error], customer=None)
    consent = input["emailMarketingConsent"]
    errors = [
        UserError(("input", *(error.field or ())), error.message, error.code)
        for error in consent_errors(consent)
    ]
    if found.email is None:
        text = "The email address must be set to perform this mutation."
        errors.append(UserError(("input", "emailMarketingConsent"), text, "INVALID"))
    if errors:
        return refused(errors, customer=None)
    of(info).store.set_consent(found, consent)
    return done(info, found.gid, customer=found)


def tags_add(_root: Any, info: Info, id: str, tags: list[str]) -> Payload:  # noqa: A002
    return _tags(info, id, tags, lambda old: merged_tags(old, tags))


def tags_remove(_root: Any, info: Info, id: str, tags: list[str]) -> Payload:  # noqa: A002
    gone = {tag.strip().lower() for tag in tags}
    return _tags(info, id, tags, lambda old: [tag for tag in old if tag.lower() not in gone])


def _tags(
    info: Info, gid: str, tags: list[str], change: Callable[[list[str]], list[str]]
) -> Payload:
    require(info, "write_customers")
    found = customer_of(info, gid)
    errors = [_NO_CUSTOMER] if found is None else [*tag_errors(change([*found.tags, *tags]))]
    if found is None or errors:
        return refused(errors, node=None)
    found.tags = change(found.tags)
    of(info).store.touch(found)
    return done(info, found.gid, node=found)


def customer_delete(_root: Any, info: Info, input: Mapping[str, Any]) -> Payload:  # noqa: A002
    require(info, "write_customers")
    shop = {"id": of(info).options.shop_gid, "name": "Sandbox"}
    found = customer_of(info, input["id"])
    if found is None:
        error = UserError(("id",), "Customer can't be found")
        return refused([error], deletedCustomerId=None, shop=shop)
    of(info).store.delete(found)
    return done(info, found.gid, deletedCustomerId=found.gid, shop=shop)


def customer_merge(
    _root: Any,
    info: Info,
    customerOneId: str,  # noqa: N803 - the schema's names
    customerTwoId: str,  # noqa: N803
    overrideFields: Mapping[str, Any] | None = None,  # noqa: N803
) -> Payload:
    """Asynchronous. Which record survives is Shopify's choice: the enabled one, else the second."""
    _ = overrideFields
    require(info, "write_customers")
    one, two = customer_of(info, customerOneId), customer_of(info, customerTwoId)
    if one is None or two is None or one is two:
        field = "customerOneId" if one is None else "customerTwoId"
        error = UserError((field,), "Customer ID is invalid.", "INVALID_CUSTOMER_ID")
        return refused([error], job=None, resultingCustomerId=None)
    kept, gone = (one, two) if one.state == "ENABLED" != two.state else (two, one)
    session = of(info)
    job = MergeJob(f"gid://shopify/Job/{uuid.uuid4()}", kept.id, gone.id)
    session.jobs[job.id] = job
    session.merge(job)
    shown = {"id": job.id, "done": False}
    return done(info, kept.gid, job=shown, resultingCustomerId=kept.gid)


MUTATIONS: dict[str, Callable[..., Any]] = {
    "customerCreate": customer_create,
    "customerUpdate": customer_update,
    "customerSet": customer_set,
    "customerEmailMarketingConsentUpdate": consent_update,
    "customerAddressCreate": addresses.address_create,
    "customerAddressUpdate": addresses.address_update,
    "customerUpdateDefaultAddress": addresses.default_address,
    "metafieldsSet": definitions.metafields_set,
    "metafieldsDelete": definitions.metafields_delete,
    "metafieldDefinitionCreate": definitions.definition_create,
    "tagsAdd": tags_add,
    "tagsRemove": tags_remove,
    "customerDelete": customer_delete,
    "customerMerge": customer_merge,
    "discountCodeBasicCreate": discount_fields.basic_create,
    "discountCodeDeactivate": discount_fields.deactivate,
    "webhookSubscriptionCreate": definitions.subscription_create,
    "webhookSubscriptionDelete": definitions.subscription_delete,
}
