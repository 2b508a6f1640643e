"""How the stand-ins behave: limits, lags, tokens, and the answers that the facts leave open."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from zlib import crc32

from gateway.sandbox.ports import Ports

SHOPIFY_SCOPES = frozenset(
    ["read_customers", "write_customers", "read_orders", "read_discounts", "write_discounts"]
)
SMAREGI_SCOPES = frozenset(
    [
        f"pos.{room}:{access}"
        for room in ("customers", "transactions")
        for access in ("read", "write")
    ]
    + ["pos.stores:read"]
)


@dataclass(frozen=True, slots=True)
class ShopifyOptions:
    """`bucket` points at most, `restore` points a second; `unlimited` counts without refusing.

    `max_cost`: points that a single query may cost. `search_lag`: seconds until
    `customers(query:)` sees a record. `protected_data` False is an app without the approval for
    personal data: those fields are null with ACCESS_DENIED. `carrier_addresses` False refuses
    addresses such as `ab..cd@docomo.ne.jp`. `webhook_retries`: seconds before each of the 8
    retries, 4 hours in all.
    """

    store: str = "sandbox.myshopify.com"
    currency: str = "JPY"
    access_token: str = "shpat_sandbox_0000000000000000"  # noqa: S105 - of the stand-in
    client_id: str = "sandbox-client"
    client_secret: str = "sandbox-client-secret"  # noqa: S105 - of the stand-in
    token_seconds: int = 86399
    scopes: frozenset[str] = SHOPIFY_SCOPES
    protected_data: bool = True
    bucket: float = 2000
    restore: float = 100
    unlimited: bool = False
    max_cost: float = 1000
    search_lag: float = 1.0
    carrier_addresses: bool = True
    first_id: int = 7000000000001
    merge_seconds: float = 0.2
    webhook_retries: tuple[float, ...] = (60, 120, 300, 600, 1200, 2400, 4200, 5520)

    @property
    def shop_gid(self) -> str:
        """Each store's own, the same at each start."""
        return f"gid://shopify/Shop/{crc32(self.store.encode())}"


@dataclass(frozen=True, slots=True)
class SmaregiOptions:
    """Limits are requests in one second, None for none; production's by default.

    `required` are columns that this contract demands beyond the three of the API. `numeric_ids`
    answers `customerId` as a number. `retry_after`: seconds said with a 429, None to say nothing.
    `scopes` are those that the app has: a token is given for no more. `blanks`: a column that a
    member does not have comes as an empty text, as null, or is left out of the answer.
    `skew`: seconds that the system's clock is ahead. `point_list` False answers
    `GET /customers/point` with the object instead of a list with it. Of posted transactions:
    `tuple_rule` refuses a second one of the same store, terminal, time and number,
    `posted_points_count` False changes no balance, `overdraft` lets one go below 0, `post_says` is
    what the answer holds. Webhooks carry
    `webhook_headers`, or `X-Webhook-Secret` with `webhook_secret` where none are given.
    """

    contract_id: str = "sb_sandbox"
    client_id: str = "sandbox-client"
    client_secret: str = "sandbox-client-secret"  # noqa: S105 - of the stand-in
    token_seconds: int = 3600
    reads_per_second: int | None = 50
    writes_per_second: int | None = 20
    retry_after: int | None = None
    required: frozenset[str] = frozenset()
    numeric_ids: bool = False
    scopes: frozenset[str] = SMAREGI_SCOPES
    blanks: Literal["text", "null", "left out"] = "text"
    skew: float = 0.0
    point_list: bool = True
    tuple_rule: bool = True
    posted_points_count: bool = True
    overdraft: bool = False
    post_says: Literal["row", "nothing"] = "row"
    webhook_url: str | None = None
    webhook_secret: str = "sandbox-webhook-secret"  # noqa: S105 - of the stand-in
    webhook_headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HubspotOptions:
    """`per_ten_seconds` and `per_day` requests, None for none.

    `property_scope` False is a token without the scopes for properties (403), `account_details`
    False one that may not ask which account it is of (403). `required` are
    properties that an administrator's rule demands on create. `search_lag` as Shopify's.
    """

    access_token: str = "pat-sandbox-0000"  # noqa: S105 - of the stand-in
    portal_id: int = 12345678
    per_ten_seconds: int | None = 190
    per_day: int | None = None
    property_scope: bool = True
    account_details: bool = True
    required: frozenset[str] = frozenset()
    search_lag: float = 1.0


@dataclass(frozen=True, slots=True)
class MailOptions:
    """`tls` offers STARTTLS; `username` and `password` offer AUTH, and `auth_required` demands it;
    `pipelining` offers PIPELINING (RFC 2920).

    `keep` is how many messages are held.
    """

    tls: ssl.SSLContext | None = None
    username: str | None = None
    password: str | None = None
    auth_required: bool = False
    pipelining: bool = True
    size: int = 10 * 1024 * 1024
    keep: int = 20_000


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """Where it listens, and the gateway that its page registers at.

    `host` must be a loopback address. `gateway_key` gives a key that the gateway knows, if any.
    `seed` makes faults with a probability, and lost or
    shuffled webhooks, the same in each run. `clock` gives Unix seconds.
    """

    host: str = "127.0.0.1"
    ports: Ports = field(default_factory=Ports)
    seed: int = 0
    gateway_url: str | None = None
    gateway_key: Callable[[], str | None] = lambda: None
    journal_limit: int = 1_000_000
    clock: Callable[[], float] | None = None
    shopify: ShopifyOptions = field(default_factory=ShopifyOptions)
    smaregi: SmaregiOptions = field(default_factory=SmaregiOptions)
    hubspot: HubspotOptions = field(default_factory=HubspotOptions)
    mail: MailOptions = field(default_factory=MailOptions)
