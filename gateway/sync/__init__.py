"""Everything after sign-up: changes from every side, webhooks, reconciliation, backfill."""

__all__ = ()
