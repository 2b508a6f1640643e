"""A member in the words in which every system's record is compared."""

from collections.abc import Mapping
from typing import Any

__all__ = ["shown"]

_SEX = {"1": "male", "2": "female"}
_YES_NO = {"1": "yes", "0": "no"}


def shown(row: Mapping[str, Any]) -> dict[str, str]:
    """Of Smaregi's columns, as it has them or as it would be given them; without blank ones."""

    def text(*names: str, between: str = " ") -> str:
        return between.join(filter(None, (str(row.get(name) or "").strip() for name in names)))

    found = {
        "email": text("mailAddress"),
        "name": text("lastName", "firstName"),
        "kana": text("lastKana", "firstKana"),
        "phone": text("mobileNumber", "phoneNumber", between=", "),
        "birth_date": text("birthDate"),
        "gender": _SEX.get(text("sex"), ""),
        "postal_code": text("postCode"),
        "address": text("address"),
        "accepts_marketing": _YES_NO.get(text("mailReceiveFlag"), ""),
    }
    return {name: value for name, value in found.items() if value}
