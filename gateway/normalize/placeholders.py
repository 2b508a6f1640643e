"""What the gateway writes where a system demands a value that the customer did not tell.

The one list: whatever stands here is written by `channels/smaregi/required.py` alone, and is never
taken for a fact about a person when members are compared (`is_placeholder`).
"""

from enum import StrEnum

__all__ = ["Placeholder"]


class Placeholder(StrEnum):
    """Legal for the kind of column, and nobody's.

    `EMAIL` is in a domain that can never exist (RFC 2606); `PHONE` and `POSTAL_CODE` are assigned
    to nobody; `BIRTH_DATE` is the earliest day that a sign-up may tell.
    """

    TEXT = "未入力"
    KANA = "ミニュウリョク"
    POSTAL_CODE = "000-0000"
    PHONE = "000-0000-0000"
    BIRTH_DATE = "1900-01-01"
    EMAIL = "minyuryoku@example.invalid"
