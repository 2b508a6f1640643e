"""Names, templates and addresses that are odd or meant to harm."""

from email.header import decode_header, make_header
from email.utils import parseaddr
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from gateway.channels.email import EmailSettings
from gateway.errors import ErrorClass
from gateway.sandbox import Fault
from gateway.sandbox.mail import Mail
from tests.channels.post import Post, a_post


def header(mail: Mail, name: str) -> str:
    """As it came, before the library reads it: it puts spaces between encoded words of a name."""
    (value,) = [value for key, value in mail.message.raw_items() if key == name]
    return str(value)


STRANGERS = {
    "a bare domain": {"last_name": "当選！prize.example", "first_name": "へ"},
    "a domain from two fields": {"last_name": "a.prize.", "first_name": "com"},
    "full-width letters and dots": {"last_name": "ｐｒｉｚｅ．ｅｘａｍｐｌｅ"},
    "an ideographic stop": {"first_name": "賞品。みんな"},
    "half-width stop": {"first_name": "賞品｡みんな"},
    "an invisible joint": {"first_name": "prize.\u200bexample"},
    "a path": {"first_name": "t.co/win"},
    "an address of numbers": {"first_name": "http 192.0.2.1"},
    "a mailbox": {"first_name": "win@localhost"},
    "a scheme": {"first_name": "tel://1"},
    "punycode": {"first_name": "xn--wgv71a"},
    "in kana alone": {"last_kana": "プライズ.コム"},
    "41 characters": {"last_name": "山" * 20, "first_name": "あ" * 21},
    "a sentence": {"first_name": "おめでとうございます、十万円が当たりました。" * 2},
}


@pytest.mark.parametrize("names", STRANGERS.values(), ids=STRANGERS)
@pytest.mark.parametrize(("locale", "greeting"), [("ja", "お客様"), ("en", "Dear customer,")])
async def test_a_strangers_text_is_not_sent_as_a_name(
    post: Post, names: dict[str, str], locale: str, greeting: str
) -> None:
    mail = await post.mail(locale=locale, **names)
    for kind in ("plain", "html"):
        body = mail.body(kind) or ""
        assert greeting in body
        assert max(names.values(), key=len) not in body


@pytest.mark.parametrize(
    ("last", "first"),
    [
        ("山田", "太郎"),
        ("佐々木", "ジョン・スミス"),
        ("O'Neill-Smith", "Mary Jane"),
        ("Smith Jr.", "J. R."),
        ("山田（株）", "Ａｎｎａ"),
        ("山" * 20, "あ" * 20),
    ],
)
@pytest.mark.parametrize("locale", ["ja", "en"])
async def test_names_that_are_names_are_greeted(
    post: Post, last: str, first: str, locale: str
) -> None:
    mail = await post.mail(locale=locale, last_name=last, first_name=first)
    greeting = f"{last} {first} 様" if locale == "ja" else f"Dear {first} {last},"
    assert greeting in (mail.body("plain") or "")
    assert greeting in unescape(mail.body("html") or "")


async def test_a_template_of_the_shops_gets_no_strangers_text_either(tmp_path: Path) -> None:
    (tmp_path / "welcome.ja.subject.txt").write_text("{{ customer.last_name }}様へ", "utf-8")
    async with a_post(email_templates=tmp_path) as post:
        assert (await post.mail(last_name="prize.example")).subject == "様へ"


async def test_html_in_a_name_is_text(post: Post) -> None:
    mail = await post.mail(first_name="<script>alert(1)</script>")
    assert "<script>" not in (mail.body("html") or "")
    assert "&lt;script&gt;" in (mail.body("html") or "")
    assert "<script>" in (mail.body("plain") or ""), "a text needs no escaping"


async def test_line_breaks_in_a_name_make_no_header(tmp_path: Path) -> None:
    (tmp_path / "welcome.ja.subject.txt").write_text("{{ customer.last_name }} 様", "utf-8")
    async with a_post(email_templates=tmp_path) as post:
        mail = await post.mail(last_name="山田\r\nBcc: other@example.com")
    assert mail.message["Bcc"] is None
    assert mail.recipients == ("taro@example.com",)


async def test_the_same_customer_gets_the_same_message_id_each_time(post: Post) -> None:
    first = await post.send()
    post.sandbox.faults.set("email", Fault("drop", times=1))
    await post.error()
    assert await post.send(last_name="佐藤") == first
    assert post.sandbox.mail.count(first) == 3
    assert first.endswith("@example.com>")


async def test_templates_are_overridden_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "welcome.ja.txt").write_text("ようこそ {{ customer.last_name }}", "utf-8")
    (tmp_path / "welcome.ja.html").write_text("<b>{{ customer.last_name }}</b>", "utf-8")
    async with a_post(email_templates=tmp_path) as post:
        mail = await post.mail(last_name="<山田>")
        assert (mail.body("plain") or "").strip() == "ようこそ <山田>"
        assert (mail.body("html") or "").strip() == "<b>&lt;山田&gt;</b>"
        assert "会員登録完了" in mail.subject


@pytest.mark.parametrize(
    "template",
    [
        b"{{ customer.",
        b"{{ customer.nothing }}",
        b"{% include 'x' %}",
        b"{{ 1 / 0 }}",
        "ようこそ".encode("shift_jis"),
    ],
)
async def test_a_template_that_is_broken_needs_a_person(tmp_path: Path, template: bytes) -> None:
    (tmp_path / "welcome.ja.txt").write_bytes(template)
    async with a_post(email_templates=tmp_path) as post:
        error = await post.error()
        assert error.error_class is ErrorClass.INVALID_DATA
        assert "welcome.ja.txt" in str(error)
        assert post.sandbox.mail.count() == 0


@pytest.mark.parametrize(
    "address",
    ["ab..cd@docomo.ne.jp", "abc.@ezweb.ne.jp", ".abc@softbank.ne.jp", "a-b+c@example.jp"],
)
async def test_old_carriers_addresses_are_real_customers(post: Post, address: str) -> None:
    mail = await post.mail(email=address)
    (recipient,) = mail.recipients
    assert header(mail, "To") == recipient
    assert post.sandbox.mail.to(address) == [mail]
    assert (recipient == address) == (address == "a-b+c@example.jp"), "odd dots stand in quotes"


@pytest.mark.parametrize(
    ("held", "told"),
    [
        ('"ab..cd"@docomo.ne.jp', '"ab..cd"@docomo.ne.jp'),
        ("taro@日本語.example.jp", "taro@xn--wgv71a119e.example.jp"),
        ("taro@EXAMPLE.com", "taro@EXAMPLE.com"),
        ("山田@example.com", None),
        ("Taro <taro@example.com>", None),
        ("taro@example.com, other@example.com", None),
        ("taro@example.com\r\nBcc: other@example.com", None),
        ("taro@example.com\0", None),
        ("\ud800@example.com", None),
        ("taro", None),
    ],
)
async def test_whatever_shopify_holds_is_one_recipient_or_needs_a_person(
    post: Post, held: str, told: str | None
) -> None:
    if told is None:
        error = await post.error(email=held)
        assert (error.error_class, error.applied) == (ErrorClass.INVALID_DATA, False)
        assert post.sandbox.mail.count() == 0
    else:
        mail = await post.mail(email=held)
        assert (mail.recipients, header(mail, "To")) == ((told,), told)


LONG_NAME = "渋谷道玄坂一丁目の角にある創業百年の和菓子と日本茶の専門店（本店）公式オンラインストア"


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        ("ABC@渋谷 <info@example.jp>", "ABC@渋谷"),
        ('"cafe@home" <info@example.jp>', "cafe@home"),
        (f"{LONG_NAME} <info@example.jp>", LONG_NAME),
        ("Shop, Inc. " * 9 + "店 <info@example.jp>", ("Shop, Inc. " * 9 + "店")),
        ("info@example.jp", ""),
        ("Shop <info@日本語.example.jp>", "Shop"),
    ],
)
async def test_the_sender_is_told_as_it_was_set_in_headers_that_strict_servers_take(
    sender: str, name: str
) -> None:
    async with a_post(email_from=sender) as post:
        mail = await post.mail()
        told, address = parseaddr(header(mail, "From"))
        assert str(make_header(decode_header(told))) == name
        assert address == mail.sender
        assert mail.sender.isascii()


async def test_a_long_subject_arrives_whole(tmp_path: Path) -> None:
    (tmp_path / "welcome.ja.subject.txt").write_text(
        f"{LONG_NAME} {{{{ customer.last_name }}}}", "utf-8"
    )
    async with a_post(email_templates=tmp_path) as post:
        assert (await post.mail(last_name="山田")).subject == f"{LONG_NAME} 山田"


async def test_half_a_character_that_shopify_holds_breaks_no_mail(post: Post) -> None:
    mail = await post.mail(last_name="山\ud800田")
    assert "山?田" in (mail.body("html") or "")


async def test_a_customer_without_an_address_needs_a_person(post: Post) -> None:
    assert (await post.error(email="")).error_class is ErrorClass.INVALID_DATA


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"smtp_host": None}, "SMTP_HOST"),
        ({"email_from": None}, "EMAIL_FROM"),
        ({"smtp_tls": "none", "smtp_host": "mail.example.com"}, "SMTP_TLS"),
        ({"smtp_username": "shop"}, "SMTP_PASSWORD"),
    ],
)
def test_what_is_missing_is_named(settings: dict[str, Any], problem: str) -> None:
    whole = {"smtp_host": "127.0.0.1", "email_from": "shop@example.com", **settings}
    assert any(text.startswith(problem) for text in EmailSettings(**whole).missing())
