"""EMAIL_FROM and ALERT_EMAIL: exactly one mailbox, or the right form is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.normalize import Mailbox, parse_mailbox


@pytest.mark.parametrize(
    ("written", "name", "address"),
    [
        ("info@example.jp", "", "info@example.jp"),
        ("<info@example.jp>", "", "info@example.jp"),
        (" Shop  <info@Example.jp> ", "Shop", "info@example.jp"),
        ("Shop Inc. (Tokyo) <info@example.jp>", "Shop Inc. (Tokyo)", "info@example.jp"),
        ("ABC@渋谷 <info@example.jp>", "ABC@渋谷", "info@example.jp"),
        ('"ABC@渋谷" <info@example.jp>', "ABC@渋谷", "info@example.jp"),
        ('"cafe@home" <info@example.jp>', "cafe@home", "info@example.jp"),
        (r'"The \"Shop\", Ltd" <info@example.jp>', 'The "Shop", Ltd', "info@example.jp"),
        ("店 <info@日本語.example.jp>", "店", "info@xn--wgv71a119e.example.jp"),
        ('"a..b"@docomo.ne.jp', "", '"a..b"@docomo.ne.jp'),
    ],
)
def test_one_mailbox_is_taken_apart(written: str, name: str, address: str) -> None:
    assert parse_mailbox(written) == Mailbox(name, address)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "Shop",
        "Shop shop@example.com",
        "cafe@home",
        "cafe@home <info@example.jp>",
        "Shop, Ltd <info@example.jp>",
        "Shop <info@example.jp",
        "Shop info@example.jp>",
        "Shop <<info@example.jp>>",
        "Shop <info@example.jp> <b@example.jp>",
        "a@example.jp, b@example.jp",
        "店 <a@example.jp>, <b@example.jp>",
        "店:a <店@example.jp>",
        "Shop <店@example.jp>",
        "Shop <a b@example.jp>",
        'Shop "X <info@example.jp>',
        "x" * 256 + " <info@example.jp>",
        "-@-",
    ],
)
def test_anything_else_is_refused_with_the_right_form(written: str) -> None:
    with pytest.raises(ValueError, match=r"Shop <shop@example\.com>") as refusal:
        parse_mailbox(written)
    assert len(written) < 6 or written not in str(refusal.value)


@pytest.mark.parametrize(
    "written", ["Shop\nBcc: x@x.jp <a@x.jp>", "Sh\u200bop <a@x.jp>", "\ud800 <a@x.jp>"]
)
def test_what_cannot_be_seen_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="invisible"):
        parse_mailbox(written)


@given(st.text() | st.from_regex(r"[\"@,<> a渋]{0,9} ?<[a-z@.]{1,9}>"))
def test_any_text_is_one_ascii_address_or_refused(written: str) -> None:
    try:
        mailbox = parse_mailbox(written)
    except ValueError:
        return
    assert mailbox.address.isascii()
    assert mailbox.address.count("@") == 1
