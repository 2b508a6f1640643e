"""Mutations of metafields, their definitions, and webhook subscriptions."""

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLResolveInfo

from gateway.sandbox.shopify.records import MetafieldDefinition, WebhookSubscription
from gateway.sandbox.shopify.rules import UserError
from gateway.sandbox.shopify.session import customer_of, done, of, record_id, refused, require
from gateway.sandbox.shopify.store import APP_NAMESPACE
from gateway.sandbox.webhooks import is_loopback

Info = GraphQLResolveInfo
Payload = dict[str, Any]


def metafields_set(_root: Any, info: Info, metafields: list[Mapping[str, Any]]) -> Payload:
    """All of at most 25, or none."""
    require(info, "write_customers")
    errors: list[UserError] = []
    if len(metafields) > 25:
        text = "Exceeded the maximum metafields input limit of 25."
        errors.append(UserError(("metafields",), text, "LESS_THAN_OR_EQUAL_TO"))
    owners = [customer_of(info, given["ownerId"]) for given in metafields]
    for index, (given, owner) in enumerate(zip(metafields, owners, strict=True)):
        path = ("metafields", str(index))
        if owner is None:
            errors.append(UserError((*path, "ownerId"), "Owner does not exist.", "INVALID", index))
            continue
        for wrong in of(info).store.metafield_errors([given], owner.id):
            field = (*path, (wrong.field or ("value",))[-1])
            errors.append(UserError(field, wrong.message, wrong.code, index))
    if errors:
        return refused(errors, metafields=None)
    store = of(info).store
    pairs = [(each, given) for each, given in zip(owners, metafields, strict=True) if each]
    made = [store.set_metafield(each, given) for each, given in pairs]
    for customer in {each.id: each for each, _ in pairs}.values():
        store.touch(customer)
    return done(info, pairs[0][0].gid if pairs else "", metafields=made)


def metafields_delete(_root: Any, info: Info, metafields: list[Mapping[str, str]]) -> Payload:
    """What is not there is answered as null in its place."""
    require(info, "write_customers")
    store = of(info).store
    gone: list[Mapping[str, str] | None] = []
    for given in metafields:
        owner = customer_of(info, given["ownerId"])
        found = owner is not None and store.clear_metafield(owner, given["namespace"], given["key"])
        gone.append(given if found else None)
        if owner is not None and found:
            store.touch(owner)
    return done(info, metafields[0]["ownerId"] if metafields else "", deletedMetafields=gone)


def definition_create(_root: Any, info: Info, definition: Mapping[str, Any]) -> Payload:
    require(info, "write_customers")
    store = of(info).store
    namespace, key = definition.get("namespace") or APP_NAMESPACE, definition["key"]
    if (namespace, key) in store.definitions:
        text = f"Key is in use for {definition['ownerType'].title()} metafields on the"
        error = UserError(("definition", "key"), f"{text} '{namespace}' namespace.", "TAKEN")
        return refused([error], createdDefinition=None)
    capability = ((definition.get("capabilities") or {}).get("uniqueValues") or {}).get("enabled")
    made = MetafieldDefinition(
        store.new_id(),
        definition["name"],
        namespace,
        key,
        definition["type"],
        definition["ownerType"],
        definition.get("description"),
        bool(capability) or definition["type"] == "id",
    )
    store.define(made)
    return done(info, made.gid, createdDefinition=made)


def subscription_create(
    _root: Any,
    info: Info,
    topic: str,
    webhookSubscription: Mapping[str, Any],  # noqa: N803 - the schema's name
) -> Payload:
    """Only loopback addresses; the real API wants https."""
    uri = webhookSubscription.get("uri") or webhookSubscription.get("callbackUrl") or ""
    if topic.startswith(("ORDERS_", "REFUNDS_")):
        require(info, "read_orders")
    store, now = of(info).store, of(info).now
    path = ("webhookSubscription", "callbackUrl")
    if not is_loopback(uri):
        return refused([UserError(path, "Address is invalid")], webhookSubscription=None)
    if any(each.topic == topic and each.uri == uri for each in store.subscriptions.values()):
        error = UserError(path, "Address for this topic has already been taken")
        return refused([error], webhookSubscription=None)
    form = webhookSubscription.get("format") or "JSON"
    fields = list(webhookSubscription.get("includeFields") or ())
    made = WebhookSubscription(store.new_id(), topic, uri, form, now, now, fields)
    store.subscriptions[made.id] = made
    return done(info, made.gid, webhookSubscription=made)


def subscription_delete(_root: Any, info: Info, id: str) -> Payload:  # noqa: A002
    gone = of(info).store.subscriptions.pop(record_id(id, "WebhookSubscription"), None)
    if gone is None:
        error = UserError(("id",), "Webhook subscription does not exist")
        return refused([error], deletedWebhookSubscriptionId=None)
    return done(info, gone.gid, deletedWebhookSubscriptionId=gone.gid)
