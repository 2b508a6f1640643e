"""What the channel is, and which vendors it knows."""

from collections.abc import Mapping

from gateway.channels.base import Channel, Context, Spec
from gateway.channels.crm import hubspot
from gateway.channels.crm.adapter import Adapter, Crm
from gateway.channels.crm.settings import CrmSettings
from gateway.outcomes import Identity

__all__ = ["ADAPTERS", "SPEC"]

ADAPTERS: Mapping[str, Adapter] = {"hubspot": hubspot.ADAPTER}
"""A new vendor is one new room here and one line."""


def _adapter(context: Context) -> Adapter:
    settings = context.settings()
    assert isinstance(settings, CrmSettings)  # noqa: S101 - the roster pairs them
    return ADAPTERS[settings.crm_provider]


def build(context: Context) -> Channel:
    return _adapter(context).build(context)


async def identify(channel: Channel, context: Context) -> Identity | None:
    return await _adapter(context).identify(channel, context)


async def moved(channel: Crm) -> None:
    channel.forget()


SPEC = Spec(
    name="crm",
    title="CRM",
    settings=CrmSettings,
    build=build,
    account=" or ".join(adapter.account for adapter in ADAPTERS.values()),
    identify=identify,
    moved=moved,
    forgets="The links to the old account's contacts are forgotten here.",
)
