"""A GraphQL document, with what has to be known of it before it is sent."""

from gateway import frozen
from gateway.wire import Access

__all__ = ["Document"]


@frozen
class Document:
    """`cost` is what Shopify asks for before execution [points], of the largest page, by the rule
    that was recorded (`tests/shopify/test_documents.py` holds it); a start value that its answers
    correct. `scope`: what the app needs for it, where that is not one of the two for customers.
    """

    name: str
    access: Access
    cost: float
    text: str
    scope: str = ""
