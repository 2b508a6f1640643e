"""Titles of problems, and what is said while a system is in trouble, in both languages."""

from collections.abc import Iterator, Mapping

from gateway.errors import ErrorClass
from gateway.wording.details import Detail
from gateway.wording.text import Text

__all__ = ["GIVEN_UP", "GIVEN_UP_TITLE", "TITLES", "UNAVAILABLE", "title_of"]

TITLES: Mapping[str, Text] = {
    "already-registered": Text(
        "This e-mail is registered already", "このメールアドレスは登録済みです"
    ),
    "another-shop": Text("Another shop", "以前と別のショップに接続しています"),
    "bad-request": Text("Bad request", "リクエストの形式が正しくありません"),
    "email-not-proven": Text(
        "This e-mail is not proven yet", "メールアドレスの本人確認が済んでいません"
    ),
    "email-taken": Text(
        "Another customer has this e-mail", "このメールアドレスはほかのお客様が使用しています"
    ),
    "forbidden": Text("Forbidden", "許可されていません"),
    "idempotency-key-reused": Text(
        "The idempotency key was used with another body",
        "同じ Idempotency-Key が別の内容で使われています",
    ),
    "in-progress": Text(
        "A registration for this e-mail is under way", "このメールアドレスの登録を処理しています"
    ),
    "insufficient-points": Text("Too few points", "ポイントが足りません"),
    "internal-error": Text("Internal error", "内部エラー"),
    "invalid-client-address": Text("Invalid client address", "X-Client-Address が正しくありません"),
    "invalid-data": Text("Some fields are wrong", "入力内容に誤りがあります"),
    "invalid-idempotency-key": Text(
        "Invalid idempotency key", "Idempotency-Key が正しくありません"
    ),
    "malformed": Text("Malformed", "形式が正しくありません"),
    "method-not-allowed": Text("Method not allowed", "このメソッドは使えません"),
    "no-card": Text("No card", "会員証がありません"),
    "no-member": Text("No member", "店舗の会員ではありません"),
    "not-accepted": Text("Not accepted", "受け付けられません"),
    "not-configured": Text("Not configured", "設定されていません"),
    "not-found": Text("Not found", "見つかりません"),
    "not-json": Text("Not JSON", "JSONではありません"),
    "not-ready": Text("Not ready", "準備ができていません"),
    "points-unavailable": Text(
        "The points are not available right now", "ただいまポイントを利用できません"
    ),
    "request-timeout": Text("Request timeout", "リクエストが時間内に届きませんでした"),
    "reservation-active": Text("There is an open reservation", "利用手続き中のポイントがあります"),
    "reservation-used": Text("The points were used", "ポイントは利用済みです"),
    "shopify-unavailable": Text(
        "Shopify cannot take registrations right now", "ただいま登録を受け付けられません"
    ),
    "spending-off": Text("Points cannot be spent", "ポイントを利用できません"),
    "standby": Text("Standing by", "待機中です"),
    "storage-unavailable": Text(
        "The gateway cannot keep anything right now", "ただいまデータを保存できません"
    ),
    "too-large": Text("Too large", "リクエストが大きすぎます"),
    "too-many-connections": Text("Too many connections", "接続が混み合っています"),
    "too-many-requests": Text("Too many requests", "リクエストが多すぎます"),
    "too-many-waiting": Text("Too many waiting", "ただいま登録を受け付けられません"),
    "unauthorized": Text("Unauthorized", "認証が必要です"),
    "unreadable": Text(
        "The registration's data cannot be read any more", "登録データを読み出せなくなりました"
    ),
    "unsupported-media-type": Text(
        "Unsupported media type", "この Content-Type は受け付けられません"
    ),
}
"""Of every problem type that the public address answers with."""


def title_of(kind: str) -> Text:
    """What only our own commands meet has no title of its own."""
    return TITLES.get(kind) or Text.english(kind.replace("-", " ").capitalize())


_SHOPIFY: Mapping[ErrorClass | None, Text] = {
    ErrorClass.CONNECTION: Text("Shopify cannot be reached", "Shopifyに接続できません"),
    ErrorClass.TIMEOUT: Text(
        "Shopify did not answer in time", "Shopifyから時間内に応答がありませんでした"
    ),
    ErrorClass.RATE_LIMIT: Text(
        "Shopify's request budget is used up", "Shopifyへのリクエスト数が上限に達しています"
    ),
    ErrorClass.AUTH: Text(
        "Shopify refuses the gateway's credentials", "Shopifyがゲートウェイの認証情報を拒否しました"
    ),
    ErrorClass.UNAVAILABLE: Text("Shopify is not available", "Shopifyを利用できません"),
    None: Text("Shopify did not answer properly", "Shopifyから正しい応答がありませんでした"),
}
_STORE: Mapping[ErrorClass | None, Text] = {
    ErrorClass.CONNECTION: Text(
        "The store's system cannot be reached", "店舗のシステムに接続できません"
    ),
    ErrorClass.TIMEOUT: Text(
        "The store's system did not answer in time",
        "店舗のシステムから時間内に応答がありませんでした",
    ),
    ErrorClass.RATE_LIMIT: Text(
        "Too many are asking the store's system at the moment",
        "店舗のシステムへの問い合わせが混み合っています",
    ),
    ErrorClass.AUTH: Text(
        "The store's system refuses the gateway's credentials",
        "店舗のシステムがゲートウェイの認証情報を拒否しました",
    ),
    ErrorClass.UNAVAILABLE: Text(
        "The store's system is not available", "店舗のシステムを利用できません"
    ),
    None: Text(
        "The store did not answer properly", "店舗のシステムから正しい応答がありませんでした"
    ),
}


def _each(
    reasons: Mapping[ErrorClass | None, Text], rest_en: str, rest_ja: str
) -> Mapping[ErrorClass, Text]:
    """A sentence for every error class: its reason, and what goes for all."""
    found = ((each, reasons.get(each, reasons[None])) for each in ErrorClass)
    return {each: Text(why.en + rest_en, why.ja + rest_ja) for each, why in found}


UNAVAILABLE: Mapping[str, Mapping[ErrorClass, Text]] = {
    "registration": _each(
        _SHOPIFY,
        "; nothing was sent to any other system. The same request may be sent again.",
        "。ほかのシステムには何も送信していません。同じリクエストをもう一度送れます。",
    ),
    "change": _each(
        _SHOPIFY,
        ". The same request may be sent again.",
        "。同じリクエストをもう一度送れます。",
    ),
    "points": _each(
        _STORE,
        ". Nothing is lost; ask again a little later.",
        "。何も失われていません。しばらくしてからもう一度お試しください。",
    ),
}
"""What cannot be done while a system is in trouble."""

GIVEN_UP: Mapping[ErrorClass, Text] = _each(
    _SHOPIFY,
    ", for as long as the registration could wait; its data is wiped, and nothing was sent to any "
    "other system. The customer has to sign up again.",
    "。登録が待機できる時間を過ぎたため、データを消去しました。ほかのシステムには何も送信して"
    "いません。もう一度登録してください。",
)
GIVEN_UP_TITLE = Text(
    "Shopify could not be reached for 24 hours", "24時間、Shopifyに接続できませんでした"
)


def sentences() -> Iterator[Text]:
    """Every title and detail."""
    yield from TITLES.values()
    yield from (detail.text for detail in Detail)
    yield GIVEN_UP_TITLE
    for each in (*UNAVAILABLE.values(), GIVEN_UP):
        yield from each.values()
