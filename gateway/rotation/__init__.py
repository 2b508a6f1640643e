"""The gateway's secret is exchanged for another: what is kept is keyed anew."""

from gateway.rotation.customers import CustomerRekeying
from gateway.rotation.run import Rotation

__all__ = ["CustomerRekeying", "Rotation"]
