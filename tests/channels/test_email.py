"""The welcome mail: what is in it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.channels.email import EmailSettings
from gateway.errors import ErrorClass
from gateway.sandbox import Fault
from tests.channels.post import Post, a_post


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with a_post() as made:
        yield made


@pytest.mark.parametrize(
    ("locale", "subject", "till"),
    [
        ("ja", "会員登録完了", "レジ"),
        ("en", "Welcome", "at the till"),
        ("en-GB", "Welcome", "till"),
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
    "template", ["{{ customer.", "{{ customer.nothing }}", "{% include 'x' %}"]
)
async def test_a_template_that_is_broken_needs_a_person(tmp_path: Path, template: str) -> None:
    (tmp_path / "welcome.ja.txt").write_text(template, "utf-8")
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
    assert mail.recipients == (address,)
    assert mail.message["To"] is not None


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
