"""The shop's records and the indexes that make e-mail, phone and metafields unique."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gateway.sandbox.shopify.records import (
    Consent,
    Customer,
    MailingAddress,
    Metafield,
    MetafieldDefinition,
    WebhookSubscription,
)
from gateway.sandbox.shopify.rules import UserError, email_key, metafield_error, phone_form

_TEXTS = {
    "firstName": "first_name",
    "lastName": "last_name",
    "note": "note",
    "locale": "locale",
    "taxExempt": "tax_exempt",
}
_ADDRESS = {
    "address1": "address1",
    "address2": "address2",
    "city": "city",
    "company": "company",
    "countryCode": "country_code",
    "provinceCode": "province_code",
    "firstName": "first_name",
    "lastName": "last_name",
    "phone": "phone",
    "zip": "zip",
}
# Where an app's metafield goes that names no namespace.
APP_NAMESPACE = "app--1"

Announce = Callable[[str, Customer], None]


class Store:
    """Every change goes through here. `announce(topic, customer)` is told of each."""

    def __init__(self, first_id: int, clock: Callable[[], float], announce: Announce) -> None:
        self.customers: dict[int, Customer] = {}
        self.unreadable: set[int] = set()  # a query for one of these is an internal error
        self.definitions: dict[tuple[str, str], MetafieldDefinition] = {}
        self.subscriptions: dict[int, WebhookSubscription] = {}
        self._clock = clock
        self._announce = announce
        self._next_customer = first_id
        self._next_other = 1001
        self._emails: dict[str, int] = {}
        self._phones: dict[str, int] = {}
        self._uniques: dict[tuple[str, str, str], int] = {}

    def new_id(self) -> int:
        self._next_other += 1
        return self._next_other - 1

    def by_email(self, email: str) -> Customer | None:
        return self._held(self._emails.get(email_key(email)))

    def by_phone(self, phone: str) -> Customer | None:
        return self._held(self._phones.get(phone_form(phone) or ""))

    def by_unique(self, namespace: str, key: str, value: str) -> Customer | None:
        return self._held(self._uniques.get((namespace, key, value)))

    def taken(self, values: Mapping[str, Any], mine: int | None) -> Iterator[UserError]:
        """What another customer has already."""
        for name, find in (("email", self.by_email), ("phone", self.by_phone)):
            owner = find(values[name]) if values.get(name) else None
            if owner is not None and owner.id != mine:
                yield UserError((name,), f"{name.title()} has already been taken", "TAKEN")

    def metafield_errors(
        self, metafields: Sequence[Mapping[str, Any]], mine: int | None
    ) -> Iterator[UserError]:
        """What is wrong with each of a list of metafields; the path starts at `metafields`."""
        for index, given in enumerate(metafields):
            wrong = self._metafield_error(given, mine)
            if wrong is not None:
                name, message, code = wrong
                yield UserError(("metafields", str(index), name), message, code, index)

    def create(self, values: Mapping[str, Any]) -> Customer:
        """Makes a customer of values that were found right."""
        now = self._clock()
        customer = Customer(self._next_customer, now, now)
        self._next_customer += 1
        self.customers[customer.id] = customer
        self._write(customer, values)
        if consent := values.get("emailMarketingConsent"):
            self._consent(customer, consent)
        self._announce("CUSTOMERS_CREATE", customer)
        return customer

    def update(self, customer: Customer, values: Mapping[str, Any]) -> None:
        self._write(customer, values)
        self.touch(customer)

    def touch(self, customer: Customer) -> None:
        """Moves `updatedAt`, and tells of it: own writes come back as a webhook too."""
        customer.updated_at = self._clock()
        self._announce("CUSTOMERS_UPDATE", customer)

    def set_consent(self, customer: Customer, consent: Mapping[str, Any]) -> None:
        self._consent(customer, consent)
        self.touch(customer)
        self._announce("CUSTOMERS_EMAIL_MARKETING_CONSENT_UPDATE", customer)

    def enable(self, customer: Customer) -> None:
        """The first sign-in."""
        customer.state, customer.verified_email = "ENABLED", True
        self._announce("CUSTOMERS_ENABLE", customer)
        self.touch(customer)

    def delete(self, customer: Customer, topic: str = "CUSTOMERS_DELETE") -> None:
        del self.customers[customer.id]
        for index in (self._emails, self._phones, self._uniques):
            _drop(index, customer.id)
        self._announce(topic, customer)

    def set_metafield(self, customer: Customer, given: Mapping[str, Any]) -> Metafield:
        namespace, key = given.get("namespace") or APP_NAMESPACE, str(given["key"])
        now, old = self._clock(), customer.metafields.get((namespace, key))
        kind = given.get("type") or self._type(namespace, key, old)
        made = Metafield(
            old.id if old else self.new_id(),
            namespace,
            key,
            str(kind),
            str(given["value"]),
            old.created_at if old else now,
            now,
        )
        if old is not None:
            self._uniques.pop((namespace, key, old.value), None)
        if self._is_unique(namespace, key):
            self._uniques[namespace, key, made.value] = customer.id
        customer.metafields[namespace, key] = made
        return made

    def clear_metafield(self, customer: Customer, namespace: str, key: str) -> bool:
        """Whether it was there."""
        old = customer.metafields.pop((namespace, key), None)
        if old is not None:
            self._uniques.pop((namespace, key, old.value), None)
        return old is not None

    def define(self, definition: MetafieldDefinition) -> None:
        self.definitions[definition.namespace, definition.key] = definition
        if definition.unique:
            for customer in self.customers.values():
                if value := customer.metafield(definition.namespace, definition.key):
                    self._uniques[definition.namespace, definition.key, value] = customer.id

    def new_address(
        self, given: Mapping[str, Any], known: MailingAddress | None = None
    ) -> MailingAddress:
        """An address of an input; `known` keeps its id and what the input leaves out."""
        address = known or MailingAddress(self.new_id())
        for name, attribute in _ADDRESS.items():
            if name in given:
                setattr(address, attribute, given[name])
        if given.get("country") and not given.get("countryCode"):
            address.country_code = {"Japan": "JP"}.get(given["country"], given["country"])
        return address

    def _write(self, customer: Customer, values: Mapping[str, Any]) -> None:
        for name, attribute in _TEXTS.items():
            if name in values and (
                values[name] is not None or name in {"firstName", "lastName", "note"}
            ):
                setattr(customer, attribute, values[name])
        if "email" in values:
            _drop_one(self._emails, customer.email and email_key(customer.email), customer.id)
            customer.email = "".join((values["email"] or "").split()) or None
            if customer.email:
                self._emails[email_key(customer.email)] = customer.id
        if "phone" in values:
            _drop_one(self._phones, customer.phone, customer.id)
            customer.phone = phone_form(values["phone"]) if values["phone"] else None
            if customer.phone:
                self._phones[customer.phone] = customer.id
        if values.get("tags") is not None:
            customer.tags = merged_tags((), values["tags"])
        if values.get("addresses") is not None:
            self._replace_addresses(customer, values["addresses"])
        for given in values.get("metafields") or ():
            self.set_metafield(customer, given)

    def _replace_addresses(self, customer: Customer, given: Sequence[Mapping[str, Any]]) -> None:
        known = {address.gid: address for address in customer.addresses}
        customer.addresses = [
            self.new_address(each, known.get(str(each.get("id")))) for each in given
        ]
        if customer.default_address_id not in {address.id for address in customer.addresses}:
            customer.default_address_id = customer.addresses[0].id if given else None

    def _consent(self, customer: Customer, consent: Mapping[str, Any]) -> None:
        customer.consent = Consent(
            consent["marketingState"], consent.get("marketingOptInLevel"), self._clock()
        )

    def _metafield_error(
        self, given: Mapping[str, Any], mine: int | None
    ) -> tuple[str, str, str] | None:
        namespace, key = given.get("namespace") or APP_NAMESPACE, given.get("key")
        if not key:
            return "key", "Key can't be blank.", "BLANK"
        definition = self.definitions.get((namespace, key))
        holder = self.customers.get(mine) if mine is not None else None
        old = holder.metafields.get((namespace, key)) if holder else None
        kind = given.get("type") or self._type(namespace, key, old)
        if not kind:
            return "type", "Type can't be blank", "BLANK"
        if definition is not None and definition.type != kind:
            return (
                "type",
                f"Type '{kind}' must be consistent with the definition's type",
                ("INVALID_TYPE"),
            )
        if wrong := metafield_error(kind, given.get("value") or ""):
            return "value", *wrong
        owner = self.by_unique(namespace, key, given["value"])
        if definition is not None and owner is not None and owner.id != mine:
            return "value", "Value has already been assigned to another metafield.", "TAKEN"
        return None

    def _type(self, namespace: str, key: str, old: Metafield | None) -> str | None:
        definition = self.definitions.get((namespace, key))
        if definition is not None:
            return definition.type
        return old.type if old else None

    def _is_unique(self, namespace: str, key: str) -> bool:
        definition = self.definitions.get((namespace, key))
        return definition is not None and definition.unique

    def _held(self, customer_id: int | None) -> Customer | None:
        return None if customer_id is None else self.customers.get(customer_id)


def merged_tags(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """Tags without blanks and doubles (case does not count), in order."""
    tags = {tag.strip().lower(): tag.strip() for tag in (*new, *old) if tag.strip()}
    return sorted(tags.values(), key=str.lower)


def _drop(index: dict[Any, int], customer_id: int) -> None:
    for key in [key for key, owner in index.items() if owner == customer_id]:
        del index[key]


def _drop_one(index: dict[str, int], key: str | None, customer_id: int) -> None:
    if key and index.get(key) == customer_id:
        del index[key]
