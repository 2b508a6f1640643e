"""A profile change's JSON: the registration's fields, only those that are sent."""

from typing import Any

from pydantic import ConfigDict

from gateway.http.forms import explained
from gateway.http.forms.registration import Email, FormError, Name, RegistrationForm, read_form
from gateway.wording import Fault

__all__ = ["ChangeForm", "read_change"]

_BLANK: dict[str, Any] = {
    "last_kana": "",
    "first_kana": "",
    "phone": "",
    "birth_date": "",
    "gender": "unknown",
    "address": {},
    "locale": "ja",
}
"""What null stands for, and also an empty text if the field accepts none."""
_KEPT = {
    "email": Fault.NOT_EMPTIED,
    "last_name": Fault.NOT_EMPTIED,
    "first_name": Fault.NOT_EMPTIED,
    "accepts_marketing": Fault.BOOLEAN,
    "email_verified": Fault.BOOLEAN,
}


class ChangeForm(RegistrationForm):
    """The same rules, but nothing is required. Ask `changes` for what was sent: a default looks
    like a value.
    """

    model_config = ConfigDict(json_schema_extra=explained.change)

    email: Email = ""
    last_name: Name = ""
    first_name: Name = ""

    def changes(self) -> dict[str, Any]:
        """Fields of a `Profile` that were sent; an address stands for the whole default one."""
        profile = self.profile()
        sent = self.model_fields_set - {"email_verified"}
        return {name: getattr(profile, name) for name in sent}


def read_change(body: dict[str, Any]) -> ChangeForm:
    """The form, or a FormError that lists every wrong field."""
    empty = {name for name, value in body.items() if value is None or value == ""}
    blank = {name: _BLANK[name] for name in empty if name in _BLANK}
    wrong = [fault.at(name) for name, fault in _KEPT.items() if name in empty]
    kept = {name: value for name, value in body.items() if name not in empty & _KEPT.keys()}
    try:
        form = read_form(kept | blank, ChangeForm, country="")
    except FormError as error:
        raise FormError(wrong + error.errors) from None
    if wrong:
        raise FormError(wrong)
    return form
