"""What a signed-in customer is shown of their membership."""

from gateway.membership.service import Membership

__all__ = ["Membership"]
