"""The query root."""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo

from gateway.sandbox.shopify import discount_fields, order_fields, search
from gateway.sandbox.shopify.records import Customer
from gateway.sandbox.shopify.session import MergeJob, customer_of, of, record_id, require
from gateway.sandbox.shopify.store import APP_NAMESPACE


def customer(_root: Any, info: GraphQLResolveInfo, id: str) -> Customer | None:  # noqa: A002
    require(info, "read_customers")
    return customer_of(info, id)


def customer_by_identifier(
    _root: Any, info: GraphQLResolveInfo, identifier: Mapping[str, Any]
) -> Customer | None:
    """Sees a record at once, unlike `customers(query:)`."""
    require(info, "read_customers")
    store = of(info).store
    match next(iter(identifier.items())):
        case "id", gid:
            return customer_of(info, gid)
        case "emailAddress", email:
            return store.by_email(email)
        case "phoneNumber", phone:
            return store.by_phone(phone)
        case _, custom:
            return _by_custom_id(info, custom)


def _by_custom_id(info: GraphQLResolveInfo, custom: Mapping[str, Any]) -> Customer | None:
    store = of(info).store
    namespace, key = custom.get("namespace") or APP_NAMESPACE, custom["key"]
    definition = store.definitions.get((namespace, key))
    if definition is None or definition.type != "id":
        text = "Metafield definition of type 'id' is required when using custom ids."
        raise GraphQLError(text, extensions={"code": "NOT_FOUND"})
    return store.by_unique(namespace, key, custom["value"])


def customers(_root: Any, info: GraphQLResolveInfo, **arguments: Any) -> dict[str, Any]:
    require(info, "read_customers")
    session = of(info)
    indexed_until = session.now - session.options.search_lag
    found, ignored = search.matching(
        session.store.customers.values(), arguments.get("query"), indexed_until
    )
    session.ignored += ignored
    return search.page(found, arguments, _SORTS.get(arguments["sortKey"], search.by_id))


_COUNTED_BY = {"created_at", "id", "updated_at"}


def customers_count(
    _root: Any, info: GraphQLResolveInfo, query: str | None = None, limit: int | None = None
) -> dict[str, Any]:
    """Counts to `limit` and says then that there are at least so many. Takes fewer fields of a
    query than `customers`: of the others it is silent, and counts as if they were not there.
    """
    require(info, "read_customers")
    session = of(info)
    known = [term for term in search.terms(query or "") if term.field in _COUNTED_BY]
    count = sum(
        all(search.holds(each, term) for term in known) for each in session.store.customers.values()
    )
    cut = limit is not None and count > limit
    return {"count": limit if cut else count, "precision": "AT_LEAST" if cut else "EXACT"}


_SORTS: dict[str, Callable[[Customer], tuple[float, int]]] = {
    "UPDATED_AT": lambda each: (each.updated_at, each.id),
    "CREATED_AT": lambda each: (each.created_at, each.id),
}


def node(_root: Any, info: GraphQLResolveInfo, id: str) -> Any:  # noqa: A002
    number = record_id(id)
    store = of(info).store
    match id.split("/")[3]:
        case "Customer":
            require(info, "read_customers")
            return customer_of(info, id)
        case "WebhookSubscription":
            return store.subscriptions.get(number)
    return None


def nodes(_root: Any, info: GraphQLResolveInfo, ids: list[str]) -> list[Any]:
    if len(ids) > 250:
        raise GraphQLError("The input array size of ids is greater than the maximum allowed of 250")
    return [node(None, info, each) for each in ids]


def metafield_definitions(_root: Any, info: GraphQLResolveInfo, **asked: Any) -> dict[str, Any]:
    found = [
        each
        for each in of(info).store.definitions.values()
        if each.owner_type == asked["ownerType"]
        and asked.get("namespace") in {None, each.namespace}
        and asked.get("key") in {None, each.key}
    ]
    return search.page(found, asked, search.by_id)


def webhook_subscriptions(_root: Any, info: GraphQLResolveInfo, **asked: Any) -> dict[str, Any]:
    found = [
        each
        for each in of(info).store.subscriptions.values()
        if (not asked.get("topics") or each.topic in asked["topics"])
        and asked.get("uri") in {None, each.uri}
        and asked.get("callbackUrl") in {None, each.uri}
    ]
    return search.page(found, asked, search.by_id)


def shop(_root: Any, info: GraphQLResolveInfo) -> dict[str, Any]:
    return {
        "id": of(info).options.shop_gid,
        "name": "Sandbox",
        "email": "shop@example.com",
        "myshopifyDomain": of(info).options.store,
        "currencyCode": of(info).options.currency,
        "createdAt": 0.0,
    }


def current_app_installation(_root: Any, info: GraphQLResolveInfo) -> dict[str, Any]:
    scopes = sorted(of(info).token_scopes)
    return {
        "id": "gid://shopify/AppInstallation/1",
        "accessScopes": [{"handle": scope, "description": scope} for scope in scopes],
    }


def job(_root: Any, info: GraphQLResolveInfo, id: str) -> dict[str, Any] | None:  # noqa: A002
    known = of(info).jobs.get(id)
    return None if known is None else {"id": id, "done": _is_done(info, known)}


def customer_merge_job_status(
    _root: Any,
    info: GraphQLResolveInfo,
    jobId: str,  # noqa: N803 - the schema's name
) -> dict[str, Any] | None:
    known = of(info).jobs.get(jobId)
    if known is None:
        return None
    return {
        "jobId": jobId,
        "resultingCustomerId": f"gid://shopify/Customer/{known.kept}",
        "status": "COMPLETED" if _is_done(info, known) else "IN_PROGRESS",
        "customerMergeErrors": [],
    }


def _is_done(info: GraphQLResolveInfo, merge: MergeJob) -> bool:
    return merge.gone not in of(info).store.customers


QUERIES: dict[str, Callable[..., Any]] = {
    "customer": customer,
    "customerByIdentifier": customer_by_identifier,
    "customers": customers,
    "customersCount": customers_count,
    "node": node,
    "nodes": nodes,
    "metafieldDefinitions": metafield_definitions,
    "shop": shop,
    "currentAppInstallation": current_app_installation,
    "webhookSubscriptions": webhook_subscriptions,
    "job": job,
    "order": order_fields.order,
    "orders": order_fields.orders,
    "codeDiscountNodeByCode": discount_fields.by_code,
    "customerMergeJobStatus": customer_merge_job_status,
}
