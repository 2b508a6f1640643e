"""A sign-up: admitted, created in Shopify, accepted, sent to the channels, answered."""

from gateway.registration.acceptance import Acceptance
from gateway.registration.deferred import AT_ONCE, DeferredRegistrations
from gateway.registration.deferred_attempt import DeferredAttempt
from gateway.registration.intent import SignUp
from gateway.registration.recovery import Recovery
from gateway.registration.registrar import Registrar
from gateway.registration.status import RegistrationStatus

__all__ = [
    "AT_ONCE",
    "Acceptance",
    "DeferredAttempt",
    "DeferredRegistrations",
    "Recovery",
    "Registrar",
    "RegistrationStatus",
    "SignUp",
]
