"""An upstream's own reason: what was sent is taken out of its words, the rest says why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.reasons import LONGEST, reason_of, values_in

SENT = [
    "taro@example.com",
    "山田 太郎",
    "ﾔﾏﾀﾞ",
    "+819012345678",
    "道玄坂1-2-3 ABCビル",
    "Al",
    "0012345",
]

MEMBER_COLUMNS = {
    "[mailAddress] taro@example.com は使用できません": "[mailAddress] … は使用できません",
    "Bad Request: 「山田」は登録済みです": "Bad Request: 「…」は登録済みです",
    "太郎 様のカナ(ヤマダ)が不正です": "… 様のカナ(…)が不正です",
    "[phoneNumber] 090-1234-5678 は不正です": "[phoneNumber] … は不正です",
    "Al is invalid value": "… is invalid value",
    "invalid value": "invalid value",
    "550 5.1.1 <TARO@Example.com>: Recipient address rejected: User unknown": (
        "550 5.1.1 …: Recipient address rejected: User unknown"
    ),
    "550 5.7.26 taro is not known here\n5.7.26 go away": (
        "550 5.7.26 … is not known here 5.7.26 go away"
    ),
    "452 4.2.2 over quota d9443c01a7336-1fb0c7 - gsmtp": "452 4.2.2 over quota … - gsmtp",
    "554 blocked [203.0.113.7], see hanako@example.org": "554 blocked …, see …",
    "VALIDATION_ERROR, INVALID_EMAIL email": "VALIDATION_ERROR, INVALID_EMAIL email",
    "道玄坂 is too vague": "道玄坂 is too vague",
    "member 0012345 exists\x1b[2J\u202e": "member … exists[2J",
}


@pytest.mark.parametrize("told", MEMBER_COLUMNS, ids=range(len(MEMBER_COLUMNS)))
def test_what_was_sent_is_not_told(told: str) -> None:
    assert reason_of(told, SENT) == MEMBER_COLUMNS[told]


def test_of_values_alone_there_is_no_reason() -> None:
    assert reason_of(" taro@example.com, 090-1234-5678", SENT) is None
    assert reason_of("", ()) is None


def test_a_reason_is_cut() -> None:
    assert len(reason_of("why " * 1000, ()) or "") <= LONGEST
    assert len(reason_of("あ" * 100_000, ()) or "") == LONGEST


@given(
    st.text(alphabet="山田太郎ヤマダ木村たろうéñ", min_size=1, max_size=12),
    st.text(max_size=60),
    st.text(max_size=60),
)
def test_a_name_is_never_left_wherever_it_stands(name: str, before: str, after: str) -> None:
    told = reason_of(f"{before}{name}{after}", [name])
    assert name not in (told or "")


@given(st.emails(), st.text(max_size=40))
def test_an_address_is_never_left(address: str, around: str) -> None:
    told = reason_of(f"{around} <{address}> {around}", [address])
    assert address not in (told or "")


def test_the_values_of_a_request_are_those_of_body_parameters_and_path() -> None:
    body = b'{"lastName": "\xe5\xb1\xb1", "list": [{"a": 12}, true, null]}'
    url = "https://api.example.com/contract/pos/customers/1024"
    assert list(values_in(url, {"mail_address": "a@b.example"}, body)) == [
        "1024",
        "a@b.example",
        "山",
        "12",
    ]
    assert list(values_in(url, None, b"a=1&b=2")) == ["1024", "a=1&b=2"]
