import pytest
from hypothesis import given
from hypothesis import strategies as st

from flags.allow import is_listed, read_allow


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("a@example.com", {"a@example.com"}),
        ("a@example.com,@example.co.jp", {"a@example.com", "@example.co.jp"}),
        (" A@Example.COM ,\u3000@EXAMPLE.jp\u3000", {"a@example.com", "@example.jp"}),
        ("ａ＠ｅｘａｍｐｌｅ．ｃｏｍ，@example.jp", {"a@example.com", "@example.jp"}),
        ("a@example.com,A@example.com", {"a@example.com"}),
        (",a@example.com,,", {"a@example.com"}),
        (" , ", set()),
        ("ab..cd@example.ne.jp,abc.@example.ne.jp", {"ab..cd@example.ne.jp", "abc.@example.ne.jp"}),
        ("o'brien+x@example.com", {"o'brien+x@example.com"}),
        ("@例え.jp", {"@xn--r8jz45g.jp"}),
    ],
)
def test_entries_are_compared_folded_trimmed_and_in_lower_case(
    text: str, entries: set[str]
) -> None:
    assert read_allow(text) == (frozenset(entries), ())


@pytest.mark.parametrize(
    "entry",
    [
        "yamada",
        "example.com",
        "@",
        "a@",
        "@example",
        "a@b@example.com",
        "a@example..com",
        "a@.example.com",
        "a@example.com.",
        "a b@example.com",
        "山田 <a@example.com>",
        "*@example.com",
        '"a@example.com',
        "a@example.com;b@example.com",
        "a@exa mple.com",
        "a@example.com b@example.com",
        "mailto:a@example.com",
        "a@例え..jp",
        "a@例え",
        "a@�.jp",
    ],
)
def test_an_entry_that_is_neither_e_mail_nor_domain_is_told_by_its_position(entry: str) -> None:
    assert read_allow(f"ok@example.com,{entry},@example.jp,{entry}") == (
        frozenset({"ok@example.com", "@example.jp"}),
        (2, 4),
    )


@pytest.mark.parametrize(
    ("email", "listed"),
    [
        ("a@example.com", True),
        (" Ａ@EXAMPLE.com\u3000", True),
        ("b@example.com", False),
        ("aa@example.com", False),
        ("anyone@example.co.jp", True),
        ("anyone@EXAMPLE.CO.JP", True),
        ("anyone@shop.example.co.jp", False),
        ("anyone@notexample.co.jp", False),
        ("a@example.co", False),
        ("a@例え.jp", True),
        ("a@xn--r8jz45g.jp", True),
        ("", False),
        ("@", False),
        ("no-address", False),
        ("a@\ud800", False),
    ],
)
def test_the_list_holds_its_addresses_and_exactly_its_domains(email: str, listed: bool) -> None:
    allow, _ = read_allow("a@example.com,@example.co.jp,@例え.jp")
    assert is_listed(email, allow) is listed


@given(st.emails())
def test_every_listed_e_mail_is_found_in_any_case(email: str) -> None:
    allow, wrong = read_allow(email)
    if not wrong:
        assert is_listed(email.upper(), allow)


@given(st.text())
def test_no_text_breaks_the_reading_of_an_allow_list(text: str) -> None:
    entries, wrong = read_allow(text)
    assert all(is_listed(entry, entries) for entry in entries if not entry.startswith("@"))
    assert list(wrong) == sorted(set(wrong))
    assert not is_listed(text, frozenset())
