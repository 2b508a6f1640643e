"""The API's description of itself: OpenAPI 3.1, and a page to read it."""

from gateway.http.openapi.document import OPERATIONS, document, document_bytes

__all__ = ["OPERATIONS", "document", "document_bytes"]
