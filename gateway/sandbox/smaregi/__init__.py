"""The stand-in for Smaregi's platform API (members and points)."""

from gateway.sandbox.smaregi.api import Smaregi
from gateway.sandbox.smaregi.members import Members

__all__ = ["Members", "Smaregi"]
