"""The definition of `registration.id`, a unique metafield of type `id`.

It is the proof of whose sign-up a customer is.
"""

import logging

from gateway.errors import IdentityError, UpstreamError
from gateway.shopify import documents
from gateway.shopify.client import GraphQL
from gateway.shopify.reading import payload_of, unexpected

__all__ = ["ensure_definition"]

log = logging.getLogger(__name__)

_DEFINITION = {
    "name": "Registration id",
    "description": "Set by the registration gateway: whose sign-up this customer is.",
    "namespace": "registration",
    "key": "id",
    "type": "id",
    "ownerType": "CUSTOMER",
    "capabilities": {"uniqueValues": {"enabled": True}},
}


async def ensure_definition(graphql: GraphQL) -> bool:
    """Whether the definition stands now; it is made when it is missing. A failure is logged."""
    try:
        data = await graphql.run(documents.DEFINITIONS, {})
        nodes = (data.get("metafieldDefinitions") or {}).get("nodes") or []
        if not any(node.get("key") == "id" for node in nodes):
            await _define(graphql)
    except IdentityError:  # logged where it was found
        return False
    except (UpstreamError, AttributeError) as error:
        log.warning(
            "the metafield definition registration.id could not be made (%s); sign-ups go on, "
            "and lost answers are resolved by e-mail alone",
            error,
        )
        return False
    return True


async def _define(graphql: GraphQL) -> None:
    data = await graphql.run(documents.DEFINE, {"definition": _DEFINITION})
    errors = payload_of(data, documents.DEFINE).get("userErrors") or []
    codes = {str(error.get("code")) for error in errors}
    if codes - {"TAKEN"}:
        raise unexpected(f"the definition was refused ({', '.join(codes)})", documents.DEFINE)
