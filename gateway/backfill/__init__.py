"""Customers who were there before: those in Shopify whom a channel does not have yet."""

from gateway.backfill.options import BackfillOptions, refusal
from gateway.backfill.run import Backfill

__all__ = ["Backfill", "BackfillOptions", "refusal"]
