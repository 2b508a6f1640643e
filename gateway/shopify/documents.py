"""Every GraphQL document that we send, for Admin API 2026-10; tests hold them to the schema."""

from gateway.shopify.document import Document
from gateway.shopify.order_documents import (
    DISCOUNT,
    DISCOUNT_BY_CODE,
    DISCOUNT_END,
    ORDER,
    ORDERS,
)
from gateway.wire import Access

__all__ = ["ALL", "Document"]


_FIELDS = """
fragment CustomerFields on Customer {
  id
  state
  firstName
  lastName
  locale
  defaultEmailAddress { emailAddress marketingState }
  defaultPhoneNumber { phoneNumber }
  defaultAddress {
    id countryCodeV2 zip provinceCode city address1 address2 phone
  }
  registration: metafields(first: 10, namespace: "registration") { nodes { key value } }
  birthDate: metafield(namespace: "facts", key: "birth_date") { value }
}
"""

CREATE = Document(
    "customerCreate",
    Access.WRITE,
    18,
    """mutation CreateCustomer($input: CustomerInput!) {
  customerCreate(input: $input) {
    customer { ...CustomerFields }
    userErrors { field message }
  }
}"""
    + _FIELDS,
)

UPDATE = Document(
    "customerUpdate",
    Access.WRITE,
    18,
    """mutation UpdateCustomer($input: CustomerInput!) {
  customerUpdate(input: $input) {
    customer { ...CustomerFields }
    userErrors { field message }
  }
}"""
    + _FIELDS,
)

CONSENT = Document(
    "customerEmailMarketingConsentUpdate",
    Access.WRITE,
    10,
    """mutation UpdateConsent($input: CustomerEmailMarketingConsentUpdateInput!) {
  customerEmailMarketingConsentUpdate(input: $input) {
    customer { id }
    userErrors { code field message }
  }
}""",
)

CLEAR = Document(
    "metafieldsDelete",
    Access.WRITE,
    10,
    """mutation ClearMetafields($metafields: [MetafieldIdentifierInput!]!) {
  metafieldsDelete(metafields: $metafields) {
    deletedMetafields { key }
    userErrors { field message }
  }
}""",
)

ADDRESS_UPDATE = Document(
    "customerAddressUpdate",
    Access.WRITE,
    10,
    """mutation UpdateAddress($customerId: ID!, $addressId: ID!, $address: MailingAddressInput!) {
  customerAddressUpdate(customerId: $customerId, addressId: $addressId, address: $address) {
    address { id }
    userErrors { field message }
  }
}""",
)

ADDRESS_CREATE = Document(
    "customerAddressCreate",
    Access.WRITE,
    10,
    """mutation CreateAddress($customerId: ID!, $address: MailingAddressInput!) {
  customerAddressCreate(customerId: $customerId, address: $address, setAsDefault: true) {
    address { id }
    userErrors { field message }
  }
}""",
)

FIND = Document(
    "customerByIdentifier",
    Access.READ,
    11,
    """query FindCustomer($identifier: CustomerIdentifierInput!) {
  customerByIdentifier(identifier: $identifier) { ...CustomerFields }
}"""
    + _FIELDS,
)

READ_MANY = Document(
    "nodes",
    Access.READ,
    99,
    """query ReadCustomers($ids: [ID!]!) {
  nodes(ids: $ids) { ...CustomerFields }
}"""
    + _FIELDS,
)


def _customers(name: str, sort_key: str, stamp: str) -> Document:
    """A page of customers in an order, with the time stamp that belongs to it."""
    return Document(
        "customers",
        Access.READ,
        121,
        f"""query {name}($first: Int!, $after: String, $query: String) {{
  customers(first: $first, after: $after, query: $query, sortKey: {sort_key}) {{
    nodes {{ {stamp} ...CustomerFields }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""
        + _FIELDS,
    )


ROLL = _customers("Roll", "ID", "createdAt")
CHANGED = _customers("Changed", "UPDATED_AT", "updatedAt")

NEWEST = Document(
    "customers",
    Access.READ,
    14,
    """query Newest($first: Int!) {
  customers(first: $first, sortKey: ID, reverse: true) {
    nodes { id registration: metafield(namespace: "registration", key: "id") { value } }
  }
}""",
)

COUNT = Document(
    "customersCount",
    Access.READ,
    10,
    """query Count($query: String) {
  customersCount(query: $query, limit: null) { count precision }
}""",
)

DEFINITIONS = Document(
    "metafieldDefinitions",
    Access.READ,
    18,
    """query Definitions {
  metafieldDefinitions(first: 50, ownerType: CUSTOMER, namespace: "registration") {
    nodes { key type { name } }
  }
}""",
)

DEFINE = Document(
    "metafieldDefinitionCreate",
    Access.WRITE,
    10,
    """mutation Define($definition: MetafieldDefinitionInput!) {
  metafieldDefinitionCreate(definition: $definition) {
    createdDefinition { id }
    userErrors { code field message }
  }
}""",
)

CURRENCY = Document(
    "shop",
    Access.READ,
    1,
    """query Currency {
  shop { currencyCode }
}""",
)

SHOP = Document(
    "shop",
    Access.READ,
    3,
    """query Shop {
  shop { name myshopifyDomain }
  currentAppInstallation { accessScopes { handle } }
}""",
)

IDENTITY = Document(
    "shop",
    Access.READ,
    1,
    """query Identity {
  shop { id myshopifyDomain }
}""",
)

SUBSCRIPTIONS = Document(
    "webhookSubscriptions",
    Access.READ,
    13,
    """query Subscriptions($topics: [WebhookSubscriptionTopic!], $first: Int!) {
  webhookSubscriptions(topics: $topics, first: $first) {
    nodes { topic uri }
  }
}""",
)

SUBSCRIBE = Document(
    "webhookSubscriptionCreate",
    Access.WRITE,
    10,
    """mutation Subscribe(
  $topic: WebhookSubscriptionTopic!, $subscription: WebhookSubscriptionInput!
) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $subscription) {
    webhookSubscription { id }
    userErrors { field message }
  }
}""",
)

ALL = (
    *(CREATE, UPDATE, CONSENT, CLEAR, ADDRESS_UPDATE, ADDRESS_CREATE, FIND, READ_MANY),
    *(ROLL, CHANGED, NEWEST, COUNT, DEFINITIONS, DEFINE, ORDER, ORDERS, CURRENCY),
    *(DISCOUNT, DISCOUNT_BY_CODE, DISCOUNT_END, SHOP, IDENTITY, SUBSCRIPTIONS, SUBSCRIBE),
)
