"""A sign-up: admitted, created in Shopify, accepted, sent to the channels, answered."""

from gateway.registration.acceptance import Owing
from gateway.registration.deferred import AT_ONCE, Promises
from gateway.registration.deferred_attempt import Trying
from gateway.registration.intent import SignUp
from gateway.registration.recovery import Recovery
from gateway.registration.registrar import Registrar
from gateway.registration.status import Standing

__all__ = [
    "AT_ONCE",
    "Owing",
    "Promises",
    "Recovery",
    "Registrar",
    "SignUp",
    "Standing",
    "Trying",
]
