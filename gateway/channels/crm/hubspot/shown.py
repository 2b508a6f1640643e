"""A contact in the words in which every system's record is compared."""

from collections.abc import Mapping
from typing import Any

__all__ = ["shown"]

_YES_NO = {"true": "yes", "false": "no"}


def shown(properties: Mapping[str, Any]) -> dict[str, str]:
    """Of HubSpot's properties, as it has them or as it would be given them; without blank ones."""

    def text(*names: str) -> str:
        said = (str(properties.get(name) or "").strip() for name in names)
        return " ".join(filter(None, said))

    found = {
        "email": text("email"),
        "name": text("lastname", "firstname"),
        "kana": text("last_name_kana", "first_name_kana"),
        "phone": text("phone"),
        "birth_date": text("date_of_birth"),
        "postal_code": text("zip"),
        "address": text("state", "city", "address"),
        "accepts_marketing": _YES_NO.get(text("accepts_marketing").lower(), ""),
    }
    return {name: value for name, value in found.items() if value}
