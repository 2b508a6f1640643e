"""Headers that the strictest server takes."""

import re
from email.header import decode_header, make_header

from hypothesis import given
from hypothesis import strategies as st

from gateway.normalize import Mailbox
from gateway.wire.headers import encoded, mailbox_header

JAPANESE = st.text("渋谷の店ABC @,;😀é", min_size=1, max_size=255)


def assert_strict(value: str, header: str) -> None:
    assert value.isascii()
    assert re.search(r"\n(?! )", value) is None
    words = re.findall(r"=\?\S+\?=", value)
    assert all(len(word) <= 75 for word in words), words
    lines = f"{header}: {value}".split("\n")
    assert not words or all(len(line) <= 76 for line in lines), lines


@given(JAPANESE | st.text(max_size=400))
def test_encoded_words_have_at_most_75_characters(text: str) -> None:
    assert_strict(encoded(text, "Subject"), "Subject")


@given(JAPANESE.map(str.strip))
def test_a_sender_of_any_name_is_read_back_as_it_was(name: str) -> None:
    value = mailbox_header(Mailbox(name, "info@example.jp"), "From")
    if not name.isascii():
        assert_strict(value, "From")
        told, _, address = value.rpartition("\n <")
        assert str(make_header(decode_header(told))) == name
        assert address == "info@example.jp>"
