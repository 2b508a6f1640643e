"""Several gateways on one PostgreSQL, and what befalls them."""

from tests.crash.fleet.fleet import Fleet

__all__ = ["Fleet"]
