"""Webhooks: topics, payloads without tags and consent, and their signature."""

import base64
import hashlib
import hmac
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from gateway.sandbox.shopify.records import Customer, MailingAddress, WebhookSubscription, iso
from gateway.sandbox.webhooks import Delivery, json_headers


def topic_name(topic: str) -> str:
    """`CUSTOMERS_CREATE` as the header says it: `customers/create`."""
    if topic.endswith("_CONSENT_UPDATE"):
        return f"{topic.removesuffix('_UPDATE').lower()}/update"
    for room in ("CUSTOMERS", "CUSTOMER", "ORDERS", "REFUNDS", "APP", "SHOP"):
        if topic.startswith(f"{room}_"):
            return f"{room}/{topic.removeprefix(f'{room}_')}".lower()
    return topic.lower()


def payload(topic: str, customer: Customer) -> dict[str, Any]:
    """The body of a webhook; since 2025-01 it has neither tags nor consent."""
    if topic == "CUSTOMERS_DELETE":
        return {"id": customer.id, "admin_graphql_api_id": customer.gid, "addresses": []}
    if topic == "CUSTOMERS_EMAIL_MARKETING_CONSENT_UPDATE":
        return {
            "customer_id": customer.id,
            "email_address": customer.email,
            "email_marketing_consent": {
                "state": customer.consent.state.lower(),
                "opt_in_level": (customer.consent.level or "unknown").lower(),
            },
        }
    default = customer.default_address
    body: dict[str, Any] = {
        "id": customer.id,
        "admin_graphql_api_id": customer.gid,
        "created_at": iso(customer.created_at),
        "updated_at": iso(customer.updated_at),
        "email": customer.email,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "phone": customer.phone,
        "note": customer.note,
        "state": customer.state.lower(),
        "verified_email": customer.verified_email,
        "orders_count": customer.number_of_orders,
        "tax_exempt": customer.tax_exempt,
        "currency": "JPY",
        "addresses": [_address(each, customer) for each in customer.addresses],
    }
    return body if default is None else body | {"default_address": _address(default, customer)}


def merged(kept: str, gone: str, job: str) -> dict[str, Any]:
    """The body of `customers/merge`."""
    return {
        "admin_graphql_api_customer_kept_id": kept,
        "admin_graphql_api_customer_deleted_id": gone,
        "admin_graphql_api_job_id": job,
        "status": "completed",
        "errors": [],
    }


def signed(
    subscription: WebhookSubscription,
    body: Mapping[str, Any],
    store: str,
    secret: str,
    version: str,
) -> Delivery:
    """A delivery, signed with the client secret over the raw body, which holds no more than the
    subscription asks for.
    """
    wanted = subscription.include_fields
    raw = orjson.dumps({name: body[name] for name in wanted if name in body} if wanted else body)
    digest = hmac.new(secret.encode(), raw, hashlib.sha256).digest()
    headers = {
        "X-Shopify-Topic": topic_name(subscription.topic),
        "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
        "X-Shopify-Shop-Domain": store,
        "X-Shopify-API-Version": version,
        "X-Shopify-Webhook-Id": uuid.uuid4(),
        "X-Shopify-Event-Id": uuid.uuid4(),
        "X-Shopify-Triggered-At": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
    }
    tag = f"{subscription.topic} {body.get('id', body.get('customer_id', ''))}"
    return Delivery(subscription.uri, json_headers(headers), raw, tag, subscription.gid)


def _address(address: MailingAddress, customer: Customer) -> dict[str, Any]:
    default = customer.default_address
    return {
        "id": address.id,
        "customer_id": customer.id,
        "first_name": address.first_name,
        "last_name": address.last_name,
        "company": address.company,
        "address1": address.address1,
        "address2": address.address2,
        "city": address.city,
        "province": address.province,
        "province_code": address.province_code,
        "country": address.country,
        "country_code": address.country_code,
        "zip": address.zip,
        "phone": address.phone,
        "default": default is not None and default.id == address.id,
    }
