"""CRM_PROVIDER, and what each vendor's room adds."""

from typing import ClassVar, Literal

from pydantic import Field

from gateway.channels.crm.hubspot.settings import HubspotSettings

__all__ = ["CrmSettings"]


class CrmSettings(HubspotSettings):
    title: ClassVar[str] = "The CRM"

    crm_provider: Literal["hubspot"] = Field("hubspot", description="which CRM: hubspot")
