"""The welcome mail: what is in it."""

from html import unescape
from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox.mail import Mail
from tests.card.scanner import picture, scan
from tests.channels.post import Post, a_post


@pytest.mark.parametrize(
    ("locale", "subject", "till"),
    [
        ("ja", "会員登録完了", "レジ"),
        ("en", "Welcome", "at the till"),
        ("en-GB", "Welcome", "till"),
        ("JA-jp", "会員登録完了", "レジ"),
        ("fr", "Welcome", "at the till"),
        ("zh-TW", "Welcome", "at the till"),
        ("jam", "Welcome", "at the till"),
    ],
)
async def test_the_mail_is_in_the_customers_language(
    post: Post, locale: str, subject: str, till: str
) -> None:
    mail = await post.mail(locale=locale)
    assert subject in mail.subject
    for kind in ("plain", "html"):
        body = mail.body(kind) or ""
        assert till in body
        assert "7000000000001" in body
        assert "太郎" in body
        assert "https://shop.example.com" in body
    assert mail.recipients == ("taro@example.com",)
    assert mail.sender == "shop@example.com"
    assert mail.message["From"] == "Shop <shop@example.com>"


async def test_without_a_member_number_none_is_shown(post: Post) -> None:
    mail = await post.mail(number="")
    assert "会員番号" not in (mail.body("plain") or "")
    assert "7000000000001" not in (mail.body("html") or "")


def card_of(mail: Mail) -> tuple[str, bytes] | None:
    """(Content-ID, picture) of the card in a mail."""
    cards = [part for part in mail.message.walk() if part.get_content_maintype() == "image"]
    if not cards:
        return None
    (card,) = cards
    content = card.get_payload(decode=True)
    assert isinstance(content, bytes)
    return card["Content-ID"].strip("<>"), content


@pytest.mark.parametrize("locale", ["ja", "en"])
@pytest.mark.parametrize("number", ["7000000000001", "A <1>&'b\"~"])
async def test_the_card_is_in_the_mail_and_a_scanner_reads_it(
    post: Post, locale: str, number: str
) -> None:
    mail = await post.mail(locale=locale, number=number)
    card = card_of(mail)
    assert card is not None
    assert scan(picture(card[1])) == [("code128", number.encode())]
    html = mail.body("html") or ""
    assert f'src="cid:{card[0]}"' in html
    assert f'alt="{number}"' in unescape(html)


async def test_the_card_stands_beside_its_page_and_the_text_beside_both(post: Post) -> None:
    def shape(part: Any) -> object:
        inner = [shape(one) for one in part.get_payload()] if part.is_multipart() else []
        return (part.get_content_type(), inner) if inner else part.get_content_type()

    message = (await post.mail()).message
    related = ("multipart/related", ["text/html", "image/png"])
    assert shape(message) == ("multipart/alternative", ["text/plain", related])
    assert not any(part.defects for part in message.walk())


@pytest.mark.parametrize("number", ["", "会員1"])
async def test_a_number_that_is_not_known_or_no_barcode_has_no_card(
    post: Post, number: str
) -> None:
    mail = await post.mail(number=number)
    assert card_of(mail) is None
    assert "cid:" not in (mail.body("html") or "")
    assert number in (mail.body("html") or "")


async def test_a_template_that_shows_no_card_gets_none(tmp_path: Path) -> None:
    (tmp_path / "welcome.ja.html").write_text("<b>{{ member_number }}</b>", "utf-8")
    async with a_post(email_templates=tmp_path) as post:
        mail = await post.mail()
        assert card_of(mail) is None
        assert (mail.body("html") or "").strip() == "<b>7000000000001</b>"
        english = await post.mail(locale="en")
        assert card_of(english) is not None, "that template is the shipped one"


async def test_a_template_of_the_shop_may_use_all_that_jinja_has(tmp_path: Path) -> None:
    """Its functions, a part in a file of its own, values, and blocks of another template."""
    (tmp_path / "base.html").write_text("<b>{% block number %}none{% endblock %}</b>{{ sum }}")
    (tmp_path / "sum.html").write_text(
        "{% set sum = range(4) | sum %}{{ sum }} {{ member_number }}"
    )
    (tmp_path / "welcome.ja.html").write_text(
        '{% extends "base.html" %}{% set sum = "&" %}'
        '{% block number %}{{ super() }} {% include "sum.html" %}{% endblock %}'
    )
    async with a_post(email_templates=tmp_path) as post:
        body = (await post.mail()).body("html") or ""
        assert body.strip() == "<b>none 6 7000000000001</b>&amp;"
        assert "太郎" in ((await post.mail()).body("plain") or "")


async def test_the_same_mail_is_the_same_to_the_byte(post: Post) -> None:
    await post.mail()
    await post.mail()
    first, second = (mail.message.as_bytes() for mail in post.sandbox.mail.messages)
    assert first == second
