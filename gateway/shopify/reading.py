"""What an answer of Shopify's holds, or an UpstreamError: nothing else leaves this room."""

from collections.abc import Mapping
from typing import Any

from gateway.customer import Customer
from gateway.errors import ErrorClass, UpstreamError
from gateway.shopify import documents
from gateway.shopify.client import SYSTEM
from gateway.shopify.documents import Document
from gateway.shopify.mapping import to_customer

__all__ = ["customer_of", "payload_of", "unexpected"]


def payload_of(data: Mapping[str, Any], document: Document) -> Mapping[str, Any]:
    """A mutation's payload, with its `userErrors`."""
    payload = data.get(document.name)
    if not isinstance(payload, dict):
        raise unexpected("the answer holds no payload", document)
    return payload


def customer_of(node: Any, document: Document) -> Customer:
    try:
        return to_customer(node)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise unexpected("the customer in the answer is incomplete", document) from None


def unexpected(message: str, document: Document = documents.CREATE) -> UpstreamError:
    return UpstreamError(SYSTEM, document.name, ErrorClass.UNEXPECTED, message)
