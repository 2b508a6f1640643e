"""Following the registrations that were answered 202, until Shopify has accepted or refused."""

from gateway.promises.follower import Promises
from gateway.promises.trying import Trying

__all__ = ["Promises", "Trying"]
