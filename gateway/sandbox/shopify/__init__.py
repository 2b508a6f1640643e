"""The stand-in for Shopify's Admin GraphQL API (customers, metafields, webhooks)."""

from gateway.sandbox.shopify.api import Shopify
from gateway.sandbox.shopify.records import Customer, MailingAddress, Metafield

__all__ = ["Customer", "MailingAddress", "Metafield", "Shopify"]
