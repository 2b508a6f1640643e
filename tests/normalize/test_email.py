from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.normalize import clean_email, email_key, smtp_address


@pytest.mark.parametrize(
    ("written", "clean"),
    [
        ("yamada@example.com", "yamada@example.com"),
        ("  Yamada@Example.COM ", "Yamada@example.com"),
        ("ｙａｍａｄａ＠ｅｘａｍｐｌｅ．ｊｐ", "yamada@example.jp"),
        ("\u3000yamada@example.jp\u3000", "yamada@example.jp"),
        ("taro+shop@example.co.jp", "taro+shop@example.co.jp"),
        ("taro@日本語.example.jp", "taro@xn--wgv71a119e.example.jp"),
        ("ab..cd@docomo.ne.jp", "ab..cd@docomo.ne.jp"),
        ("abc.@ezweb.ne.jp", "abc.@ezweb.ne.jp"),
        (".abc.@t.vodafone.ne.jp", ".abc.@t.vodafone.ne.jp"),
        ("a--b..c@softbank.ne.jp", "a--b..c@softbank.ne.jp"),
        ('"ab..cd"@docomo.ne.jp', "ab..cd@docomo.ne.jp"),
        (r'"a\b.\."@ezweb.ne.jp', "ab..@ezweb.ne.jp"),
        ('"taro"@example.com', "taro@example.com"),
    ],
)
def test_address_is_folded_trimmed_and_keeps_its_local_part(written: str, clean: str) -> None:
    assert clean_email(written) == clean


@pytest.mark.parametrize(
    "written",
    [
        "",
        "yamada",
        "@example.com",
        "yamada@",
        "yamada@example",
        "a@b@example.com",
        "ab..cd@example.com",
        "abc.@example.com",
        "a b@example.com",
        "山田@example.com",
        "yamada@-example.com",
        "yamada@example..com",
        "yamada@192.168.0.1",
        "x" * 65 + "@example.com",
        "x@" + "y" * 300 + ".jp",
        "yamada@example.com\nBcc: x@example.com",
        "なし",
        "a" * 10_000,
        '"ab..cd"@example.com',
        '"a b"@docomo.ne.jp',
        '"a@b"@docomo.ne.jp',
        '"ab..cd@docomo.ne.jp',
        '""@docomo.ne.jp',
    ],
)
def test_what_cannot_be_an_address_is_refused_without_its_value(written: str) -> None:
    with pytest.raises(ValueError) as refusal:
        clean_email(written)
    assert not written or written not in str(refusal.value)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("Yamada@Example.com", "yamada@example.com"),
        ("ＹＡＭＡＤＡ＠example.com", "yamada@example.com"),
        ("y.a.m.a.d.a+x@gmail.com", "y.a.m.a.d.a+x@gmail.com"),
        ("taro@日本語.example.jp", "taro@xn--wgv71a119e.example.jp"),
        ("ab..cd@example.com", "ab..cd@example.com"),
        ('"Ab..cd"@DOCOMO.ne.jp', "ab..cd@docomo.ne.jp"),
        ('"a.@"@docomo.ne.jp', ""),
        ('"taro"@example.com', "taro@example.com"),
        ("yamada@example.jp\u200b", "yamada@example.jp"),
        ("なし", ""),
        ("-", ""),
        ("-@-", ""),
        ("", ""),
    ],
)
def test_key_ignores_case_and_width_and_plays_no_tricks(written: str, key: str) -> None:
    assert email_key(written) == key


INVISIBLE = {
    "NUL": "\0",
    "tab": "\t",
    "newline": "\n",
    "carriage return": "\r\n",
    "DEL": "\x7f",
    "next line": "\x85",
    "line separator": "\u2028",
    "zero-width space": "\u200b",
    "zero-width joiner": "\u200d",
    "byte order mark": "\ufeff",
    "soft hyphen": "\xad",
    "right-to-left override": "\u202e",
    "left-to-right isolate": "\u2066",
    "tag character": "\U000e0041",
}


@pytest.mark.parametrize("mark", INVISIBLE.values(), ids=INVISIBLE)
@pytest.mark.parametrize(
    "place", ["{}yamada@example.jp", "yama{}da@example.jp", "yamada@example.jp{}"]
)
@pytest.mark.parametrize("form", [clean_email, smtp_address])
def test_what_cannot_be_seen_is_refused_and_not_dropped(
    form: Callable[[str], str], place: str, mark: str
) -> None:
    with pytest.raises(ValueError, match="invisible"):
        form(place.format(mark))


@pytest.mark.parametrize(
    ("held", "written"),
    [
        ("yamada@example.com", "yamada@example.com"),
        ("ab..cd@docomo.ne.jp", '"ab..cd"@docomo.ne.jp'),
        ("a.@docomo.ne.jp", '"a."@docomo.ne.jp'),
        (".a@docomo.ne.jp", '".a"@docomo.ne.jp'),
        ('"ab..cd"@docomo.ne.jp', '"ab..cd"@docomo.ne.jp'),
        ('"yamada"@example.com', "yamada@example.com"),
        ("taro@日本語.example.jp", "taro@xn--wgv71a119e.example.jp"),
    ],
)
def test_smtp_gets_ascii_quoted_where_it_must_be(held: str, written: str) -> None:
    assert smtp_address(held) == smtp_address(written) == written
    assert email_key(held) == email_key(written)


@pytest.mark.parametrize(
    "held",
    ["山田@example.com", "a b@example.com", "a@b@example.com", "<x@example.com>", "x@home", ""],
)
def test_what_smtp_cannot_write_to_is_refused(held: str) -> None:
    with pytest.raises(ValueError) as refusal:
        smtp_address(held)
    assert not held or held not in str(refusal.value)


@given(st.text() | st.emails())
def test_smtp_never_gets_more_than_one_plain_address(text: str) -> None:
    try:
        written = smtp_address(text)
    except ValueError:
        return
    assert written.isascii()
    assert written.isprintable()
    assert not set(written) & set(" <>,;:\\()")
    assert written.count("@") == 1


@given(st.text())
def test_key_of_any_text_never_raises(text: str) -> None:
    key = email_key(text)
    assert key == "" or "@" in key


@given(st.emails())
def test_key_of_a_clean_address_is_the_key_of_what_was_written(written: str) -> None:
    try:
        clean = clean_email(written)
    except ValueError:
        return
    assert email_key(clean) == email_key(written) == email_key(written.upper())


@given(
    st.emails() | st.from_regex(r"[A-Za-z0-9.+_-]{1,20}@[A-Za-z0-9.-]{1,30}") | st.text(max_size=30)
)
def test_the_quick_way_for_plain_text_gives_the_same(text: str) -> None:
    assert email_key(text) == email_key(f"{text} ")


@given(st.emails() | st.text("aZ.@-1\u017f", max_size=12).map(lambda text: f"{text}@a.Bc.jp"))
def test_a_plain_address_is_cleaned_as_any_other(text: str) -> None:
    """A space before it is a slip of the hand, for which nothing is taken at once."""
    assert _cleaned(text) == _cleaned(f" {text}")


def _cleaned(text: str) -> str:
    try:
        return clean_email(text)
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize("letter", ["\u017f", "\u212a"])
def test_letters_whose_lower_case_is_ascii_are_not_taken_for_ascii(letter: str) -> None:
    """The long s and the sign of Kelvin."""
    assert smtp_address(f"{letter}ato@example.com").isascii()
    assert smtp_address(f"sato@{letter}ato.example").isascii()
