"""Warnings about values that were not taken as they were sent: a code, and both languages."""

from collections.abc import Mapping
from enum import Enum, StrEnum
from functools import cache

from gateway.wording.text import Text

__all__ = ["Notice", "NoticeCode", "with_code"]


class NoticeCode(StrEnum):
    """What became of a value: a closed set, for programs. A new one begins here."""

    PHONE_NOT_ACCEPTED = "phone_not_accepted"
    PHONE_KEPT_AS_WRITTEN = "phone_kept_as_written"
    NO_MAIL_LANGUAGE = "no_mail_language"
    MUNICIPALITY_RENAMED = "municipality_renamed"
    PREFECTURE_CORRECTED = "prefecture_corrected"
    EMAIL_NOT_PROVEN = "email_not_proven"
    OTHER = "other"  # stored by an older version in words that are used no more


class Notice(Enum):
    """The sentences: a code, English, Japanese. They stand beside the field's name."""

    PHONE_KEPT = (
        NoticeCode.PHONE_NOT_ACCEPTED,
        (
            "Shopify does not take this phone number for this customer (refused, or it belongs "
            "to another customer); it is kept beside the address only"
        ),
        (
            "この電話番号はShopifyのお客様情報に登録できませんでした"
            "（無効な番号か、ほかのお客様が登録済みです）。住所の電話番号としてのみ保存しました。"
        ),
    )
    PHONE_AS_WRITTEN = (
        NoticeCode.PHONE_KEPT_AS_WRITTEN,
        (
            "is no number of the address's country, and none with a country code; it is kept "
            "as it was written, outside Shopify's own phone field"
        ),
        (
            "住所の国の電話番号でも、国番号付きの電話番号でもありません。"
            "入力どおりに、Shopifyの電話番号欄とは別に保存しました。"
        ),
    )
    IN_ENGLISH = (
        NoticeCode.NO_MAIL_LANGUAGE,
        "is kept in Shopify; there is no mail in this language, so it is sent in English",
        "この言語はShopifyに保存しましたが、この言語のメールがないため、英語でお送りします。",
    )
    MUNICIPALITY_MERGED = (
        NoticeCode.MUNICIPALITY_RENAMED,
        "was merged into another municipality, whose name is stored",
        "この市区町村は合併したため、現在の名前で保存しました。",
    )
    PREFECTURE_CONTRADICTS = (
        NoticeCode.PREFECTURE_CORRECTED,
        "contradicts the address, whose own prefecture is stored",
        "住所と都道府県が一致しないため、住所の都道府県で保存しました。",
    )
    NOT_PROVEN = (
        NoticeCode.EMAIL_NOT_PROVEN,
        "not taken over: Shopify had this customer, and the e-mail is not proven",
        "Shopifyに登録済みのお客様で、メールアドレスの確認がまだのため、反映していません。",
    )

    def __init__(self, code: NoticeCode, en: str, ja: str) -> None:
        self.code = code
        self.text = Text(en, ja)

    def about(self, field: str) -> Mapping[str, str]:
        """As it is stored, and stands in `warnings`."""
        return {"field": field, "code": self.code, "message": self.text.en}


def with_code(stored: Mapping[str, str]) -> Mapping[str, str]:
    """A warning that an older version stored had no code: its sentence tells which it is."""
    return stored if "code" in stored else {**stored, "code": _code_of(stored.get("message", ""))}


def _code_of(sentence: str) -> NoticeCode:
    return _codes().get(sentence, NoticeCode.OTHER)


@cache
def _codes() -> Mapping[str, NoticeCode]:
    return {notice.text.en: notice.code for notice in Notice}
