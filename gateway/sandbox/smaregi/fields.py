"""A member's fields, and the rules by which Smaregi takes or refuses their values.

Lengths and patterns are those of the platform API reference (operation `postcustomers`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

Member = dict[str, str | None]

_CODE = re.compile(r"[ -~]+")
_KANA = re.compile(r"[ァ-ヶ\u3000 -~ー－・]+")
_PHONE = re.compile(r"[ -~]{1,20}")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value must be; `empty` is what a member has who was never given one."""

    label: str
    longest: int
    pattern: re.Pattern[str] | None = None
    choices: str = ""
    is_date: bool = False
    empty: str | None = ""

    def refusal(self, value: Any) -> str | None:
        """Why a value is refused, in the system's language; None when it is taken."""
        if not isinstance(value, str):
            return "は文字列で指定してください"
        if len(value) > self.longest:
            return f"は{self.longest}文字以内で入力してください"
        if self.choices and value not in tuple(self.choices):
            return f"は{'、'.join(self.choices)}のいずれかで指定してください"
        if self.pattern is not None and not self.pattern.fullmatch(value):
            return "に使用できない文字が含まれています"
        if self.is_date and not _is_date(value):
            return "の日付の形式が正しくありません"
        return None


def _is_date(value: str) -> bool:
    if not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


RULES: dict[str, Rule] = {
    "customerCode": Rule("会員コード", 20, _CODE),
    "customerNo": Rule("会員番号", 20, _CODE),
    "rank": Rule("会員ランク", 20),
    "staffRank": Rule("社員ランク", 20),
    "lastName": Rule("姓", 85),
    "firstName": Rule("名", 85),
    "lastKana": Rule("フリガナ(姓)", 85, _KANA),
    "firstKana": Rule("フリガナ(名)", 85, _KANA),
    "postCode": Rule("郵便番号", 10),
    "address": Rule("住所", 85),
    "phoneNumber": Rule("電話番号", 20, _PHONE),
    "faxNumber": Rule("FAX番号", 20, _PHONE),
    "mobileNumber": Rule("携帯電話番号", 20, _PHONE),
    "mailAddress": Rule("メールアドレス", 100, _MAIL),
    "mailAddress2": Rule("メールアドレス2", 100, _MAIL),
    "mailAddress3": Rule("メールアドレス3", 100, _MAIL),
    "companyName": Rule("会社名", 85),
    "departmentName": Rule("部署名", 85),
    "sex": Rule("性別", 1, choices="012", empty="0"),
    "birthDate": Rule("生年月日", 10, is_date=True, empty=None),
    "entryDate": Rule("入会日", 10, is_date=True, empty=None),
    "leaveDate": Rule("退会日", 10, is_date=True, empty=None),
    "note": Rule("備考", 1000),
    "note2": Rule("備考2", 1000),
    "mailReceiveFlag": Rule("メール受信許可", 1, choices="01", empty="1"),
    "status": Rule("状態", 1, choices="01234", empty="0"),
}
REQUIRED = ("customerCode", "lastName", "firstName")
# Answered, but not taken: the system writes them itself.
OWN: dict[str, str | None] = {
    "managerialPosition": None,
    "pointExpireDate": None,
    "lastComeDateTime": None,
    "pointGivingUnitPrice": None,
    "pointGivingUnit": None,
    "pinCode": None,
    "passportNo": None,
    "nationality": None,
    "alphabetName": None,
    "favoriteList": None,
    "browsingList": None,
    "storeId": None,
    "insDateTime": None,
    "updDateTime": None,
}
COLUMNS = ("customerId", *RULES, *OWN)
"""Exactly the documented ones: points and miles are a resource of their own."""
ALWAYS = frozenset(
    ["customerId", "customerCode", "sex", "mailReceiveFlag", "status", "insDateTime", "updDateTime"]
)
"""Columns that every answer has; the others may be null, or left out."""


def blank() -> Member:
    """A member with nothing but defaults: `mailReceiveFlag` is "1", mail allowed.

    `point` is kept beside the columns: `GET /customers/point` alone shows it.
    """
    return {name: rule.empty for name, rule in RULES.items()} | dict(OWN) | {"point": "0"}


def refusal(values: Mapping[str, Any], required: frozenset[str], creating: bool) -> str | None:
    """Why a create or a change is refused; None when it is taken.

    `required` are extra columns: of the API, or a contract's own, which nobody can send.
    """
    demanded = (*REQUIRED, *sorted(required))
    for name in demanded:
        if creating and name not in values:
            return f"[{name}] {_label(name)}は必須です"
        if name in values and values[name] in ("", None):
            return f"[{name}] {_label(name)}は必須です"
    for name, value in values.items():
        if name not in RULES:
            return f"[{name}] 不明な項目です"
        why = None if value is None else RULES[name].refusal(value)
        if why is not None:
            return f"[{name}] {RULES[name].label}{why}"
    return None


def _label(name: str) -> str:
    return RULES[name].label if name in RULES else name
