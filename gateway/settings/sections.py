"""Every setting, once: loading, checking and documenting start from these classes.

A section is one system's settings. A field's name in capitals is the variable's name, its
description is the line in `.env.example`. Each channel brings its own section (`Section`).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.errors import ConfigurationError
from gateway.normalize import parse_mailbox
from gateway.settings.addresses import http_url, is_loopback, public_url, shop_domain, upstream_url
from gateway.settings.credentials import BearerKey, BearerKeys, LongSecret, Token, split
from gateway.settings.extras import lacking
from gateway.settings.passwords import Password
from gateway.settings.platform import PORTS, database_url, is_postgres, with_data_dir, with_port
from gateway.settings.values import Seconds, lower, schedule, secret_list

__all__ = [
    "AlertSettings",
    "GatewaySettings",
    "LongSecret",
    "MailboxText",
    "Section",
    "ShopifySettings",
    "Token",
    "UpstreamUrl",
    "is_loopback",
]


def _mailbox(text: str) -> str:
    parse_mailbox(text)
    return text


MailboxText = Annotated[str, AfterValidator(_mailbox)]
"""One mailbox, as it was written: `parse_mailbox` takes it apart."""
Url = Annotated[str, AfterValidator(http_url)]
UpstreamUrl = Annotated[str, AfterValidator(upstream_url)]


class Section(BaseSettings):
    """The settings of one system. Values come from `sources`, never from the process."""

    model_config = SettingsConfigDict(
        extra="ignore", hide_input_in_errors=True, frozen=True, str_strip_whitespace=True
    )

    title: ClassVar[str] = ""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)

    def missing(self) -> list[str]:
        """Problems that matter only once the system is used: 'VARIABLE: what it should hold'."""
        return []

    def doubts(self) -> list[str]:
        """What stops nothing, yet is hardly meant; as `missing`."""
        return []

    def _absent(self, *names: str) -> list[str]:
        fields = type(self).model_fields
        return [
            f"{name.upper()}: is not set; it should hold {fields[name].description}"
            for name in names
            if not getattr(self, name)
        ]

    @classmethod
    def variables(cls) -> Iterator[tuple[str, str, str]]:
        """(variable, default as text, description) for help, documents and tests."""
        for name, info in cls.model_fields.items():
            yield name.upper(), _default_text(info.default), info.description or ""


def _default_text(default: Any) -> str:
    if default is None or isinstance(default, SecretStr):
        return ""
    if isinstance(default, tuple):
        return ",".join(f"{item:g}" for item in default)
    return str(default).lower() if isinstance(default, bool) else str(default)


class GatewaySettings(Section):
    title: ClassVar[str] = "The gateway itself"

    gateway_host: str = Field("127.0.0.1", description="address to listen on")
    gateway_port: int = Field(8080, ge=0, le=PORTS, description="port to listen on")
    port: int | None = Field(
        None, ge=0, le=PORTS, description="what a platform sets; GATEWAY_PORT goes before it"
    )
    gateway_public_url: Annotated[str, AfterValidator(public_url)] | None = Field(
        None, description="where Shopify and Smaregi reach the webhooks, https://…"
    )
    store_url: Url | None = Field(
        None, description="the sign-in link in mails; default https://{SHOPIFY_STORE}"
    )
    gateway_api_keys: BearerKeys = Field(
        (),
        repr=False,
        description="bearer keys of the callers, comma-separated, 16 characters or more each",
    )
    gateway_operator_keys: BearerKeys = Field(
        (),
        repr=False,
        description="other bearer keys, for /v1/deliveries alone; without one only commands may",
    )
    gateway_metrics_key: BearerKey | None = Field(
        None, repr=False, description="bearer key of /metrics; without one it is for loopback"
    )
    gateway_admin_password: Password | None = Field(
        None, description="of the console at /admin: a password, or what `console password` prints"
    )
    gateway_staff_password: Password | None = Field(
        None, description="likewise, to look people up, send again and judge duplicates only"
    )
    gateway_admin_port: int | None = Field(
        None, ge=0, le=PORTS, description="the console on a port of its own"
    )
    gateway_rate_limit: float = Field(
        100,
        gt=0,
        description="registrations a second and key, or visitor (X-Client-Address); above it 429",
    )
    gateway_waiting_limit: int = Field(
        100_000, ge=0, description="registrations answered 202 that may wait; then 503"
    )
    gateway_database_url: Annotated[str, AfterValidator(database_url)] = Field(
        "sqlite:///gateway.db",
        repr=False,
        description="where ids and outcomes are kept; or postgresql://user:password@host/database, "
        "for several gateways",
    )
    gateway_data_dir: Path | None = Field(
        None, description="folder of the database, where GATEWAY_DATABASE_URL is not set"
    )
    gateway_secret: Annotated[SecretStr, AfterValidator(secret_list)] | None = Field(
        None,
        description="keys the hashes, encrypts intents; made at first start in gateway.db.secret, "
        "needed on PostgreSQL; a list while it is rotated, newest first",
    )
    gateway_response_deadline: Seconds = Field(
        10, description="seconds to the answer; channels unfinished by then are pending in it"
    )
    gateway_upstream_timeout: Seconds = Field(
        8, description="seconds that one call to an upstream may take, all in all"
    )
    gateway_auto_replay: bool = Field(True, description="serve retries what failed by itself")
    gateway_retry_schedule: Annotated[
        tuple[float, ...], NoDecode, BeforeValidator(split), AfterValidator(schedule)
    ] = Field(
        (5, 30, 120, 600, 1800, 7200, 21600, 43200),
        description="seconds before each further try; then the delivery is failed",
    )
    gateway_retention_days: float = Field(30, gt=0, description="days after which settled rows go")
    gateway_log_format: Annotated[Literal["text", "json"], BeforeValidator(lower)] = Field(
        "text", description="lines of the log: text, or json (one object a line)"
    )
    gateway_log_level: Annotated[
        Literal["debug", "info", "warning", "error"], BeforeValidator(lower)
    ] = Field("info", description="how much serve logs: debug, info, warning or error")
    gateway_traces: bool = Field(
        False, description="true: traces by OpenTelemetry; OTEL_* say where to (the extra otel)"
    )

    @model_validator(mode="before")
    @classmethod
    def _of_the_platform(cls, given: Any) -> Any:
        return with_data_dir(with_port(given))

    @property
    def is_postgres(self) -> bool:
        return is_postgres(self.gateway_database_url)

    @property
    def database_path(self) -> Path:
        """Of SQLite's file. ConfigurationError where there is none."""
        if self.is_postgres:
            raise ConfigurationError(
                ["GATEWAY_DATABASE_URL: should name a file of SQLite for this"]
            )
        return Path(self.gateway_database_url.removeprefix("sqlite:///"))

    def missing(self) -> list[str]:
        problems = []
        if not self.gateway_api_keys and not is_loopback(self.gateway_host):
            problems.append(
                "GATEWAY_API_KEYS: is not set; without a key GATEWAY_HOST should be a loopback "
                "address"
            )
        if {*self.gateway_api_keys} & {*self.gateway_operator_keys, self.gateway_metrics_key}:
            problems.append(
                "GATEWAY_API_KEYS: holds a key of GATEWAY_OPERATOR_KEYS or GATEWAY_METRICS_KEY; "
                "a storefront should have its own"
            )
        admin = self.gateway_admin_password
        if admin and admin == self.gateway_staff_password:
            problems.append("GATEWAY_STAFF_PASSWORD: is that of GATEWAY_ADMIN_PASSWORD")
        return problems + self._of_database() + lacking(traces=self.gateway_traces)

    def _of_database(self) -> list[str]:
        if not self.is_postgres:
            return []
        needed = "is not set; on PostgreSQL every gateway should have the same"
        secret = [] if self.gateway_secret else [f"GATEWAY_SECRET: {needed}"]
        return secret + lacking(postgres=True)


class ShopifySettings(Section):
    title: ClassVar[str] = "Shopify, the customer master"

    shopify_store: Annotated[str, AfterValidator(shop_domain)] | None = Field(
        None, description="the store's own domain, such as example.myshopify.com"
    )
    shopify_access_token: Token | None = Field(
        None, description="the Admin API token of an old custom app (shpat_…), or use the next two"
    )
    shopify_client_id: str | None = Field(
        None, description="client id of the app (client-credentials grant)"
    )
    shopify_client_secret: SecretStr | None = Field(
        None, description="client secret of the app (client-credentials grant)"
    )
    shopify_api_version: str = Field(
        "2026-10", pattern=r"^(\d{4}-\d{2}|unstable)$", description="Admin API version"
    )
    shopify_base_url: UpstreamUrl | None = Field(
        None, description="for tests and proxies; default https://{SHOPIFY_STORE}"
    )
    shopify_webhook_secret: SecretStr | None = Field(
        None, description="signs the webhooks; default the client secret"
    )
    shopify_sync_others: bool = Field(
        False,
        description="true: customers made in Shopify elsewhere (checkout, admin) are sent on too",
    )
    shopify_existing_customer: Literal["adopt", "reject"] = Field(
        "adopt",
        description="a sign-up by somebody whom Shopify has as a guest only: adopt or reject",
    )

    @property
    def base_url(self) -> str:
        return self.shopify_base_url or f"https://{self.shopify_store}"

    @property
    def webhook_secret(self) -> SecretStr | None:
        """Webhooks are signed with the app's client secret unless another is set."""
        return self.shopify_webhook_secret or self.shopify_client_secret

    def missing(self) -> list[str]:
        absent = self._absent("shopify_store")
        if self.shopify_access_token:
            return absent
        if not self.shopify_client_id and not self.shopify_client_secret:
            absent.append(
                "SHOPIFY_ACCESS_TOKEN: is not set; it should hold an Admin API token, or set "
                "SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRET"
            )
            return absent
        return absent + self._absent("shopify_client_id", "shopify_client_secret")

    def doubts(self) -> list[str]:
        if not self.shopify_access_token or not self.shopify_client_id:
            return []
        doubt = "is not used, since SHOPIFY_ACCESS_TOKEN is set too; take one of the two out"
        return [f"SHOPIFY_CLIENT_ID: {doubt}"]


class AlertSettings(Section):
    title: ClassVar[str] = "Telling administrators"

    alert_webhook_url: UpstreamUrl | None = Field(
        None, repr=False, description='a Slack-style incoming webhook: a POST of {"text": …}'
    )
    alert_email: MailboxText | None = Field(
        None, repr=False, description="address that alerts are mailed to, through SMTP_HOST"
    )
