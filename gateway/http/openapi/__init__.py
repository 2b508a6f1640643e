"""The API's description of itself: OpenAPI 3.1, and a page to read it."""

from gateway.http.openapi.document import document, document_bytes
from gateway.http.openapi.others import VIEWER

__all__ = ["VIEWER", "document", "document_bytes"]
