"""What can be wrong with a field: every code, and every sentence in both languages."""

from collections.abc import Iterator, Mapping
from enum import Enum, StrEnum

from gateway import frozen
from gateway.wording.text import Language, Text

__all__ = ["FIELD_NAMES", "Code", "Fault", "FieldError", "Wrong", "not_taken"]


class Code(StrEnum):
    """Why a field is wrong: a closed set, for programs. A new one begins here."""

    REQUIRED = "required"  # it is missing or empty
    TOO_LONG = "too_long"
    TOO_SHORT = "too_short"
    FORMAT = "format"  # it is not written as it should be
    WRONG_TYPE = "wrong_type"  # a number instead of a text, and the like
    UNKNOWN_FIELD = "unknown_field"
    UNKNOWN_VALUE = "unknown_value"  # none of a closed set
    OUT_OF_RANGE = "out_of_range"  # a date or a number
    NOT_ALLOWED = "not_allowed"  # it holds markup, an emoji or the like
    TAKEN = "taken"  # it belongs to another customer
    REFUSED = "refused"  # Shopify does not take it, and gives no reason that we know


@frozen
class FieldError:
    """`field` as the caller wrote it, with dots (`address.city`); no value of it anywhere."""

    field: str
    code: Code
    text: Text

    def row(self, language: Language = "en") -> dict[str, str]:
        """As it stands in `errors` of a problem."""
        return {"field": self.field, "code": self.code, "message": self.text.told(language)}


class Fault(Enum):
    """The sentences: a code, English, Japanese. English goes on after the field's name, Japanese
    stands alone beside it.
    """

    MISSING = Code.REQUIRED, "is required", "入力してください。"
    BLANK = (
        Code.REQUIRED,
        "should hold at least one visible character",
        "見える文字を1文字以上入力してください。",
    )
    NOT_EMPTIED = Code.REQUIRED, "may not be emptied", "空にはできません。"
    TOO_LONG = (
        Code.TOO_LONG,
        "has more than {limit} characters",
        "{limit}文字以内で入力してください。",
    )
    LONGER_THAN_TAKEN = Code.TOO_LONG, "is too long", "長すぎます。短くしてください。"
    TOO_SHORT = Code.TOO_SHORT, "is too short", "短すぎます。"
    STRING = Code.WRONG_TYPE, "should be text", "文字列で指定してください。"
    BOOLEAN = Code.WRONG_TYPE, "should be true or false", "true か false で指定してください。"
    OBJECT = Code.WRONG_TYPE, "should be an object", "オブジェクトで指定してください。"
    UNKNOWN_FIELD = Code.UNKNOWN_FIELD, "no such field", "この名前の項目はありません。"
    CHOICE = (
        Code.UNKNOWN_VALUE,
        "should be one of {choices}",
        "次のいずれかを指定してください：{choices}",
    )
    NOT_IN_LIST = Code.UNKNOWN_VALUE, "is none of the possible values", "選べない値です。"
    COUNTRY = (
        Code.UNKNOWN_VALUE,
        "should be a country code of two letters, such as JP",
        "国は JP のような2文字の国コードで指定してください。",
    )
    PREFECTURE = (
        Code.UNKNOWN_VALUE,
        "should be a prefecture, such as 東京都, Tokyo or JP-13",
        "都道府県名を入力してください（例：東京都）。",
    )
    HALF_CHARACTER = (
        Code.NOT_ALLOWED,
        "holds half of a character (an unpaired surrogate)",
        "壊れた文字が含まれています。入力し直してください。",
    )
    INVISIBLE = (
        Code.NOT_ALLOWED,
        "holds a line break or an invisible character; it should be typed anew",
        "改行か見えない文字が含まれています。入力し直してください。",
    )
    MARKUP = Code.NOT_ALLOWED, "should hold no URL and no markup", "URLと < > は使えません。"
    EMOJI = Code.NOT_ALLOWED, "should hold no emoji", "絵文字は使えません。"
    KANA = (
        Code.FORMAT,
        "should be kana alone, such as ヤマダ or やまだ",
        "カタカナかひらがなで入力してください（例：ヤマダ）。",
    )
    PHONE = (
        Code.FORMAT,
        "should be a phone number, such as 090-1234-5678",
        "電話番号を入力してください（例：090-1234-5678）。",
    )
    POSTAL_CODE = (
        Code.FORMAT,
        "should be a Japanese postal code, such as 150-0043",
        "郵便番号を入力してください（例：150-0043）。",
    )
    DATE = (
        Code.FORMAT,
        "should be a date like 1990-04-01",
        "日付を入力してください（例：1990-04-01）。",
    )
    DAY_OF_BIRTH = (
        Code.OUT_OF_RANGE,
        "should be a day between 1900-01-01 and today",
        "1900-01-01 から今日までの日付を入力してください。",
    )
    LOCALE = (
        Code.FORMAT,
        "should be a language, such as ja or en",
        "言語は ja や en のように指定してください。",
    )
    EMAIL_AT = (
        Code.FORMAT,
        "an e-mail address has one @ with something before it",
        "メールアドレスを入力してください（例：taro@example.com）。",
    )
    EMAIL_LOCAL = (
        Code.FORMAT,
        "the part before the @ is not possible in an e-mail address",
        "メールアドレスの @ より前が正しくありません。",
    )
    EMAIL_DOMAIN = (
        Code.FORMAT,
        "the part after the @ is not possible in an e-mail address",
        "メールアドレスの @ より後が正しくありません。",
    )
    EMAIL_LENGTH = (
        Code.TOO_LONG,
        "an e-mail address has at most 254 characters",
        "メールアドレスは254文字以内で入力してください。",
    )
    WHOLE = Code.WRONG_TYPE, "should be a whole number", "整数で指定してください。"
    POINTS = (
        Code.OUT_OF_RANGE,
        "should be 1 to 999999999",
        "1～999999999の範囲で指定してください。",
    )
    MULTIPLE = (
        Code.OUT_OF_RANGE,
        "should be a multiple of {unit}, and be worth a yen at least",
        "{unit}の倍数で、1円以上になるように指定してください。",
    )
    NOT_VALID = Code.FORMAT, "is not valid", "正しい値を入力してください。"
    TAKEN = Code.TAKEN, "belongs to another customer", "ほかのお客様が使用しています。"
    REGISTERED = Code.TAKEN, "is registered already", "すでに登録されています。"
    REFUSED = (
        Code.REFUSED,
        "Shopify does not take this {name}",
        "この{name}は登録できません。",
    )
    # of filters and queries
    MOMENT = (
        Code.FORMAT,
        "should be a time like 2026-11-21T09:00:00Z",
        "日時を 2026-11-21T09:00:00Z のように指定してください。",
    )
    CUSTOMER_ID = (
        Code.FORMAT,
        "should be a Shopify customer id",
        "Shopifyのお客様IDを指定してください。",
    )
    DELIVERY_IDS = Code.FORMAT, "should be delivery ids", "配信のIDを指定してください。"
    CURSOR = Code.FORMAT, "is not one of ours", "このカーソルは使えません。"
    WHOLE_NUMBER = Code.FORMAT, "should be a number", "数を指定してください。"
    ONE_CHANNEL = Code.FORMAT, "should be one channel", "チャネルを1つ指定してください。"
    NUMBER = (
        Code.OUT_OF_RANGE,
        "should be a number from 1 to {largest}",
        "1から{largest}までの数を指定してください。",
    )

    def __init__(self, code: Code, en: str, ja: str) -> None:
        self.code = code
        self.text = Text(en, ja)

    def at(self, field: str, **values: object) -> FieldError:
        """The fault of one field; `values` are what stands in braces."""
        said = self.text.within(**values) if values else self.text
        return FieldError(field, self.code, said)


class Wrong(ValueError):  # noqa: N818 - a form catches it, and no one else
    """A value that cannot be taken; its text holds no value."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.text.en)
        self.fault = fault


FIELD_NAMES: Mapping[str, Text] = {
    "email": Text("e-mail address", "メールアドレス"),
    "last_name": Text("last name", "姓"),
    "first_name": Text("first name", "名"),
    "last_kana": Text("last name in kana", "姓（カナ）"),
    "first_kana": Text("first name in kana", "名（カナ）"),
    "phone": Text("phone number", "電話番号"),
    "birth_date": Text("birth date", "生年月日"),
    "gender": Text("gender", "性別"),
    "accepts_marketing": Text("consent to mail", "メール受信の設定"),
    "locale": Text("language", "言語"),
    "address": Text("address", "住所"),
    "address.country": Text("country", "国"),
    "address.postal_code": Text("postal code", "郵便番号"),
    "address.prefecture": Text("prefecture", "都道府県"),
    "address.city": Text("city", "市区町村"),
    "address.address1": Text("address line", "住所（町名・番地）"),
    "address.address2": Text("building", "住所（建物名）"),
}
"""What people call the fields of a registration."""
_SOMETHING = Text("registration", "内容")


def not_taken(field: str) -> FieldError:
    """Shopify refuses it for a reason that we do not know; the field is named in words."""
    name = FIELD_NAMES.get(field, _SOMETHING)
    return FieldError(field, Fault.REFUSED.code, _naming(name))


def _naming(name: Text) -> Text:
    text = Fault.REFUSED.text
    return Text(text.en.format(name=name.en), text.ja.format(name=name.ja))


def sentences() -> Iterator[Text]:
    """Every sentence about a field that may be stored: those without a number or a list in it."""
    yield from (fault.text for fault in Fault)
    yield from map(_naming, (*FIELD_NAMES.values(), _SOMETHING))
