"""SMAREGI_*"""

from typing import ClassVar, Literal

from pydantic import Field, SecretStr

from gateway.settings import LongSecret, Section, UpstreamUrl

__all__ = ["SmaregiSettings"]


class SmaregiSettings(Section):
    title: ClassVar[str] = "Smaregi, the store's POS"

    smaregi_contract_id: str | None = Field(
        None, pattern=r"^[A-Za-z0-9_-]+$", description="the contract id (契約ID), such as skuc305hk"
    )
    smaregi_client_id: str | None = Field(None, description="client id of the app")
    smaregi_client_secret: SecretStr | None = Field(None, description="client secret of the app")
    smaregi_api_url: UpstreamUrl = Field(
        "https://api.smaregi.jp", description="API; the sandbox is https://api.smaregi.dev"
    )
    smaregi_id_url: UpstreamUrl = Field(
        "https://id.smaregi.jp", description="tokens; the sandbox is https://id.smaregi.dev"
    )
    smaregi_reads_per_second: float = Field(
        50, gt=0, le=1000, description="reads a second; the sandbox allows 10"
    )
    smaregi_writes_per_second: float = Field(
        20, gt=0, le=1000, description="writes a second; the sandbox allows 4"
    )
    smaregi_link_field: Literal["customerCode", "customerNo"] = Field(
        "customerCode",
        description="where the Shopify id of a linked member goes: customerCode or customerNo",
    )
    smaregi_sync_changes: bool = Field(
        False, description="true: changes made at the till go to Shopify and the CRM"
    )
    smaregi_on_delete: Literal["unlink", "withdraw"] = Field(
        "unlink",
        description="of a customer deleted in Shopify: unlink the member, or withdraw (status 3)",
    )
    smaregi_link_unverified: bool = Field(
        True,
        description="false: link a member only once the e-mail is known to be the customer's; "
        "true: at once, but points, card and changes wait for that",
    )
    smaregi_link_contradicted: bool = Field(
        False, description="true: link even where name and birth date both contradict"
    )
    smaregi_points_by: Literal["transaction", "add"] = Field(
        "transaction",
        description="how points earned online reach members: transaction, which can be found "
        "again; add only where posted transactions move no points",
    )
    smaregi_webhook_secret: LongSecret | None = Field(
        None,
        description="the value of the header that Smaregi sends with webhooks, 16 or more long",
    )

    @property
    def linking(self) -> str:
        """In a line for who runs the gateway: what an e-mail is enough for."""
        if self.smaregi_link_unverified:
            return (
                "SMAREGI_LINK_UNVERIFIED=true: a sign-up is linked to the store member with its "
                "e-mail at once; points, card and changes wait until the e-mail is proven"
            )
        return (
            "SMAREGI_LINK_UNVERIFIED=false: a sign-up is linked to the store member with its "
            "e-mail once the e-mail is proven"
        )

    def missing(self) -> list[str]:
        return self._absent("smaregi_contract_id", "smaregi_client_id", "smaregi_client_secret")
