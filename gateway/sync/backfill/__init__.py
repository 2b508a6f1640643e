"""Sends a channel the customers of Shopify whom it does not have yet."""

from gateway.sync.backfill.options import BackfillOptions, refusal
from gateway.sync.backfill.run import Backfill

__all__ = ["Backfill", "BackfillOptions", "refusal"]
