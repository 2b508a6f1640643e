"""Following the registrations that were answered 202, until Shopify has accepted or refused."""

from gateway.promises.follower import AT_ONCE, Promises
from gateway.promises.trying import Trying

__all__ = ["AT_ONCE", "Promises", "Trying"]
