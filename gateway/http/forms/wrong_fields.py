"""What is wrong with a form: each field, in our own words."""

import re
from typing import Any

from pydantic import ValidationError

from gateway.wording import Fault, FieldError, Wrong

__all__ = ["FormError", "shown_name", "wrong_fields"]


class FormError(ValueError):
    """`errors` names every wrong field, and no value."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("some fields are wrong")
        self.errors = errors


def wrong_fields(error: ValidationError) -> list[FieldError]:
    return [
        _error(".".join(shown_name(part) for part in detail["loc"]), detail)
        for detail in error.errors(include_input=False, include_url=False)
    ]


def shown_name(part: object) -> str:
    """A field's name comes from the caller: it is shown, without its dangerous characters."""
    return re.sub(r"[^\w.-]", "?", str(part))[:64]


def _error(field: str, detail: Any) -> FieldError:
    """What pydantic found, in our own words; a test holds that none of its kinds is left over."""
    kind, more = detail["type"], detail.get("ctx", {})
    if kind == "string_too_long":
        return Fault.TOO_LONG.at(field, limit=more["max_length"])
    if kind == "literal_error":
        choices = more["expected"].replace("'", "").replace(" or ", ", ")
        return Fault.CHOICE.at(field, choices=choices)
    if kind == "value_error" and isinstance(more["error"], Wrong):
        return more["error"].fault.at(field)
    return _KINDS.get(kind, Fault.NOT_VALID).at(field)


_KINDS = {
    "extra_forbidden": Fault.UNKNOWN_FIELD,
    "missing": Fault.MISSING,
    "string_type": Fault.STRING,
    "string_unicode": Fault.HALF_CHARACTER,
    "bool_type": Fault.BOOLEAN,
    "int_type": Fault.WHOLE,
    "greater_than": Fault.POINTS,
    "less_than_equal": Fault.POINTS,
    "model_type": Fault.OBJECT,
    "model_attributes_type": Fault.OBJECT,
    "dict_type": Fault.OBJECT,
}
