"""HUBSPOT_*"""

from pydantic import Field

from gateway.settings import Section, Token, UpstreamUrl

__all__ = ["HubspotSettings"]


class HubspotSettings(Section):
    hubspot_access_token: Token | None = Field(
        None, description="a service key, or the token of a private app"
    )
    hubspot_base_url: UpstreamUrl = Field(
        "https://api.hubapi.com", description="for tests and proxies"
    )
    hubspot_api_version: str = Field(
        "2026-03", pattern=r"^\d{4}-\d{2}$", description="dated version of the API"
    )

    def missing(self) -> list[str]:
        return self._absent("hubspot_access_token")
