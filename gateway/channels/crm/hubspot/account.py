"""Which HubSpot account the token is of."""

from gateway.channels.base import Channel, Context
from gateway.channels.crm.hubspot.settings import HubspotSettings
from gateway.outcomes import Identity
from gateway.wire import Access, Call

__all__ = ["identify"]


async def identify(_: Channel, context: Context) -> Identity | None:
    """The portal id of `GET /account-info/{version}/details`, which needs no scope but `oauth`.

    None where the answer does not tell: contacts may be used nevertheless. Raises UpstreamError
    while HubSpot cannot answer, or refuses the token itself.
    """
    settings = context.settings()
    assert isinstance(settings, HubspotSettings)  # noqa: S101 - the roster pairs them
    token = settings.hubspot_access_token
    answer = await context.wire.send(
        Call(
            "crm",
            "account details",
            Access.READ,
            "GET",
            f"{settings.hubspot_base_url}/account-info/{settings.hubspot_api_version}/details",
            headers={"Authorization": f"Bearer {token.get_secret_value() if token else ''}"},
            introduces=True,
        )
    )
    refused = answer.error()
    if answer.status == 401 or refused.error_class.opens_circuit:
        raise refused
    body = answer.json() if answer.status == 200 else None
    portal = body.get("portalId") if isinstance(body, dict) else None
    is_number = isinstance(portal, int | str) and str(portal).isdecimal()
    return Identity(str(portal)) if is_number else None
