"""What the shop holds. Class names are the schema's type names; times are Unix seconds."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime

JP_PROVINCES = (
    "Hokkaidō",
    "Aomori",
    "Iwate",
    "Miyagi",
    "Akita",
    "Yamagata",
    "Fukushima",
    "Ibaraki",
    "Tochigi",
    "Gunma",
    "Saitama",
    "Chiba",
    "Tōkyō",
    "Kanagawa",
    "Niigata",
    "Toyama",
    "Ishikawa",
    "Fukui",
    "Yamanashi",
    "Nagano",
    "Gifu",
    "Shizuoka",
    "Aichi",
    "Mie",
    "Shiga",
    "Kyōto",
    "Ōsaka",
    "Hyōgo",
    "Nara",
    "Wakayama",
    "Tottori",
    "Shimane",
    "Okayama",
    "Hiroshima",
    "Yamaguchi",
    "Tokushima",
    "Kagawa",
    "Ehime",
    "Kōchi",
    "Fukuoka",
    "Saga",
    "Nagasaki",
    "Kumamoto",
    "Ōita",
    "Miyazaki",
    "Kagoshima",
    "Okinawa",
)


def iso(seconds: float) -> str:
    """Unix seconds as Shopify writes them: UTC, whole seconds."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True)
class MailingAddress:
    """An address; `country_code` is an ISO code, `province_code` such as `JP-13`."""

    id: int
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    company: str | None = None
    country_code: str | None = None
    province_code: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    zip: str | None = None

    @property
    def gid(self) -> str:
        return f"gid://shopify/MailingAddress/{self.id}?model_name=CustomerAddress"

    @property
    def country(self) -> str | None:
        return "Japan" if self.country_code == "JP" else self.country_code

    @property
    def province(self) -> str | None:
        code = self.province_code or ""
        if self.country_code == "JP" and code.startswith("JP-"):
            return JP_PROVINCES[int(code[3:]) - 1]
        return self.province_code

    @property
    def name(self) -> str | None:
        return " ".join(filter(None, (self.first_name, self.last_name))) or None


@dataclass(slots=True)
class Metafield:
    id: int
    namespace: str
    key: str
    type: str
    value: str
    created_at: float
    updated_at: float

    @property
    def gid(self) -> str:
        return f"gid://shopify/Metafield/{self.id}"

    @property
    def compare_digest(self) -> str:
        return hashlib.sha256(self.value.encode()).hexdigest()


@dataclass(slots=True)
class MetafieldDefinition:
    """`unique` is the capability `uniqueValues`, which a definition of type `id` always has."""

    id: int
    name: str
    namespace: str
    key: str
    type: str
    owner_type: str
    description: str | None
    unique: bool

    @property
    def gid(self) -> str:
        return f"gid://shopify/MetafieldDefinition/{self.id}"


@dataclass(slots=True)
class WebhookSubscription:
    id: int
    topic: str
    uri: str
    format: str
    created_at: float
    updated_at: float
    include_fields: list[str] = field(default_factory=list)

    @property
    def gid(self) -> str:
        return f"gid://shopify/WebhookSubscription/{self.id}"


@dataclass(slots=True)
class Consent:
    """E-mail marketing consent: `state` and `level` are the schema's enum values."""

    state: str = "NOT_SUBSCRIBED"
    level: str | None = None
    updated_at: float | None = None


@dataclass(slots=True)
class Customer:
    """A customer. `state` is DISABLED until a first sign-in makes it ENABLED."""

    id: int
    created_at: float
    updated_at: float
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    locale: str = "ja"
    state: str = "DISABLED"
    verified_email: bool = True
    tags: list[str] = field(default_factory=list)
    note: str | None = None
    number_of_orders: int = 0
    tax_exempt: bool = False
    consent: Consent = field(default_factory=Consent)
    addresses: list[MailingAddress] = field(default_factory=list)
    default_address_id: int | None = None
    metafields: dict[tuple[str, str], Metafield] = field(default_factory=dict)

    @property
    def gid(self) -> str:
        return f"gid://shopify/Customer/{self.id}"

    @property
    def display_name(self) -> str:
        name = " ".join(filter(None, (self.first_name, self.last_name)))
        return name or self.email or self.phone or ""

    @property
    def default_address(self) -> MailingAddress | None:
        for address in self.addresses:
            if address.id == self.default_address_id:
                return address
        return self.addresses[0] if self.addresses else None

    def metafield(self, namespace: str, key: str) -> str | None:
        """A metafield's value, or None."""
        found = self.metafields.get((namespace, key))
        return None if found is None else found.value
