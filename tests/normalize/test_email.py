import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.normalize import clean_email, email_key


@pytest.mark.parametrize(
    ("written", "clean"),
    [
        ("yamada@example.com", "yamada@example.com"),
        ("  Yamada@Example.COM ", "Yamada@example.com"),
        ("ｙａｍａｄａ＠ｅｘａｍｐｌｅ．ｊｐ", "yamada@example.jp"),
        ("yamada@example.jp\u200b", "yamada@example.jp"),
        ("taro+shop@example.co.jp", "taro+shop@example.co.jp"),
        ("taro@日本語.example.jp", "taro@xn--wgv71a119e.example.jp"),
        ("ab..cd@docomo.ne.jp", "ab..cd@docomo.ne.jp"),
        ("abc.@ezweb.ne.jp", "abc.@ezweb.ne.jp"),
        (".abc.@t.vodafone.ne.jp", ".abc.@t.vodafone.ne.jp"),
        ("a--b..c@softbank.ne.jp", "a--b..c@softbank.ne.jp"),
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
        ("なし", ""),
        ("-", ""),
        ("-@-", ""),
        ("", ""),
    ],
)
def test_key_ignores_case_and_width_and_plays_no_tricks(written: str, key: str) -> None:
    assert email_key(written) == key


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
