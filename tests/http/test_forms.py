"""Whatever somebody sends, each wrong field has a code and a sentence of its own."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gateway
from gateway.http.forms import registration as registration_module
from gateway.http.forms.normalized import _Line, _Partial
from gateway.http.forms.profile_change import ChangeForm, read_change
from gateway.http.forms.registration import AddressForm, FormError, RegistrationForm, read_form
from gateway.wording import Code, Fault, FieldError

ODD: tuple[Any, ...] = (
    *(True, 0, 1.5, -1, 2**70, "", " ", "\u200b", "x", "x" * 300, "x" * 2000, "\ud800", "<b>"),
    *("www.example.com", "🍣", "山田", "2999-01-01", "1990-02-30", "a@b", "a@@b.jp", "a@b.jp\n"),
    *([], ["x"], {}, {"x": 1}, "9" * 40, "x@" + "a" * 300 + ".jp", "\x00"),
)
FORMS = (RegistrationForm, ChangeForm, _Partial, _Line)
FIELDS = (*RegistrationForm.model_fields, *(f"address.{n}" for n in AddressForm.model_fields))


def _errors(form: Any, body: dict[str, Any]) -> list[FieldError]:
    try:
        read_change(body) if form is ChangeForm else read_form(body, form)
    except FormError as error:
        return error.errors
    return []


def _bodies() -> Iterator[dict[str, Any]]:
    yield {}
    for field in (*FIELDS, "text", "nonsense", "address.nonsense"):
        outer, _, inner = field.partition(".")
        yield from ({outer: {inner: value} if inner else value} for value in (*ODD, None))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_every_error_that_a_form_can_make_has_a_code_of_its_own(form: Any) -> None:
    told = [error for body in _bodies() for error in _errors(form, body)]
    assert len(told) > 50
    assert {error.code for error in told} <= set(Code)
    assert Fault.NOT_VALID.text not in {error.text for error in told}
    for error in told:
        assert error.row("en")["message"] != error.row("ja")["message"]
        assert "{" not in error.text.en + error.text.ja, "a value is missing in the sentence"


def test_no_form_says_what_is_wrong_without_a_code() -> None:
    """A bare ValueError would be told in general."""
    room = Path(gateway.__file__).parent
    for path in (*(room / "http/forms").glob("*.py"), room / "normalize/email.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                caught_at_once = path.name == "json_body.py"
                assert ast.unparse(node.exc.func) != "ValueError" or caught_at_once, path.name


WORDS = st.text("道ヤヴー々ｱA1-ﾞ \u3000\u3099\u200b.:<>/wht🍣☎髙\ud800", max_size=8)


@given(WORDS | st.text(max_size=8), st.sampled_from(["last_name", "first_kana", "address.city"]))
def test_plain_text_is_taken_as_it_would_be_cleaned(text: str, field: str) -> None:
    outer, _, inner = field.partition(".")
    body: dict[str, Any] = {"email": "taro@example.com", "last_name": "山", "first_name": "太"}
    body |= {outer: {inner: text} if inner else text}

    def read() -> object:
        try:
            return read_form(body, RegistrationForm)
        except FormError as error:
            return error.errors

    never = re.compile("(?!)")
    with (
        patch.object(registration_module, "_PLAIN", never),
        patch.object(registration_module, "_PLAIN_KANA", never),
    ):
        cleaned = read()
    assert read() == cleaned
