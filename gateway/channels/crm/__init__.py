"""The CRM: `CRM_PROVIDER` chooses among the adapters in this room."""

from gateway.channels.base import Channel, Context, Spec
from gateway.channels.crm.hubspot import HubSpot
from gateway.channels.crm.hubspot.account import identify
from gateway.channels.crm.hubspot.mapping import takes
from gateway.channels.crm.settings import CrmSettings

__all__ = ["SPEC", "CrmSettings", "HubSpot"]

ADAPTERS: dict[str, type[HubSpot]] = {"hubspot": HubSpot}


def build(context: Context) -> Channel:
    settings = context.settings()
    assert isinstance(settings, CrmSettings)  # noqa: S101 - the roster pairs them
    return ADAPTERS[settings.crm_provider](context)


async def moved(channel: HubSpot) -> None:
    channel.forget()


SPEC = Spec(
    name="crm",
    title="CRM",
    settings=CrmSettings,
    build=build,
    takes=takes,
    consent="accepts_marketing",
    account="HubSpot account",
    identify=identify,
    moved=moved,
)
