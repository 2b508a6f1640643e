"""Which Smaregi contract it is, and what is remembered of one."""

from urllib.parse import urlsplit

from gateway.channels.base import Context
from gateway.channels.smaregi.channel import Smaregi
from gateway.channels.smaregi.settings import SmaregiSettings
from gateway.outcomes import Identity

__all__ = ["identify", "moved"]

_PLACES = {".smaregi.jp": "production", ".smaregi.dev": "sandbox"}


async def identify(channel: Smaregi, context: Context) -> Identity:
    """The contract id, once a token of this contract was given. The host tells production and
    Smaregi's sandbox apart; a proxy's does not.
    """
    settings = context.settings()
    assert isinstance(settings, SmaregiSettings)  # noqa: S101 - the roster pairs them
    await channel.client.prove()
    host = urlsplit(settings.smaregi_api_url).hostname or ""
    place = next((place for end, place in _PLACES.items() if host.endswith(end)), "")
    return Identity(settings.smaregi_contract_id or "", place)


async def moved(channel: Smaregi) -> None:
    """Another contract from now on: all its members are read anew."""
    await channel.close()
    channel.ownership.apart.clear()
    channel.ownership.leaving.clear()
    channel.required.forget()
    await channel.start()
