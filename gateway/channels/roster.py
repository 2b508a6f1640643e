"""The list of channels."""

from gateway.channels import crm, email, smaregi
from gateway.channels.base import Spec

__all__ = ["POS", "ROSTER"]

POS = smaregi.NAME

ROSTER: tuple[Spec, ...] = (smaregi.SPEC, crm.SPEC, email.SPEC)
