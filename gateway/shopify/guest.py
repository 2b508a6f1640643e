"""A sign-up on its way to Shopify, and what of it an existing guest may get."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from gateway import frozen
from gateway.customer import Profile
from gateway.normalize import country_of
from gateway.shopify.placing import e164
from gateway.shopify.results import Warnings
from gateway.wording import Notice

__all__ = ["IsOurs", "ShopifySignUp", "as_stranger"]

IsOurs = Callable[[str], Awaitable[bool]]
"""Whether a registration id is one of ours whose caller was never told of the success."""


@frozen
class ShopifySignUp:
    """`email_verified`: decides what an existing guest may get. `deadline`: the clock's."""

    registration_id: str
    profile: Profile
    email_verified: bool
    is_ours: IsOurs
    deadline: float

    def for_guest(self) -> tuple[Profile, Warnings]:
        """What a customer may get whom Shopify has already, but who never signed up; and a warning
        for each part of `profile` that it lacks.
        """
        return (self.profile, ()) if self.email_verified else as_stranger(self.profile)


def as_stranger(profile: Profile) -> tuple[Profile, Warnings]:
    """If the e-mail is not proven, whatever a stranger could have written is left out.

    Without the address a phone's country is not known: abroad it is sent as dialled from here.
    """
    phone = profile.phone if country_of(profile) == "JP" else e164(profile)
    stated = {
        "accepts_marketing": profile.accepts_marketing,
        "address": profile.address is not None,
        "birth_date": bool(profile.birth_date),
        "phone": bool(profile.phone and not phone),
    }
    guest = replace(profile, accepts_marketing=False, address=None, birth_date="", phone=phone)
    return guest, tuple(_not_taken(name) for name, is_stated in stated.items() if is_stated)


def _not_taken(name: str) -> Mapping[str, str]:
    return Notice.NOT_PROVEN.about(name)
