"""Every text of the console is in both languages, and says the same things."""

import re
from collections.abc import Iterator
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import orjson
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import gateway.console
from gateway.app.advice import advice, sentences
from gateway.channels import ROSTER
from gateway.console.language import language_of
from gateway.console.pages.log import details_of
from gateway.console.rendering import environment
from gateway.console.words import label, words
from gateway.duplicates.steps import of_merge
from gateway.errors import ErrorClass
from gateway.outcomes import AUTOMATIC, OPEN, Kind, Outcome, Sort
from gateway.store.merges import Merge

ROOM = Path(gateway.console.__file__).parent
_PLACE = re.compile(r"%\((\w+)\)s|%s")


def _messages() -> Iterator[str | tuple[str, ...]]:
    found = extract_from_dir(
        ROOM,
        method_map=[("templates/**.html", "jinja2"), ("**.py", "python")],
        keywords={"_": None, "N_": None, "ngettext": (1, 2)},
        options_map={"templates/**.html": {"extensions": "jinja2.ext.i18n", "silent": "false"}},
    )
    yield from (message for _, _, message, _, _ in found)
    yield from sentences()
    yield from words()


def test_every_message_is_translated_and_none_is_left_over() -> None:
    source = files("gateway.console").joinpath("locale", "ja.po").read_bytes()
    catalogue = read_po(BytesIO(source), locale="ja")
    known = {each.id[0] if isinstance(each.id, tuple) else each.id for each in catalogue if each.id}
    wanted = {m if isinstance(m, str) else m[0] for m in _messages()}
    assert wanted - known == set()
    assert known - wanted == set()
    for each in catalogue:
        if each.id:
            ids, texts = _all(each.id), _all(each.string)
            assert all(texts), each.id
            named = {*_PLACE.findall(" ".join(ids))}
            assert {*_PLACE.findall(" ".join(texts))} == named, each.id
            assert not each.fuzzy


def _all(text: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [text] if isinstance(text, str) else list(text or ())


def test_every_word_of_a_closed_set_is_in_words_for_people() -> None:
    japanese = language_of("ja", "")
    for word in (*Outcome, *ErrorClass, *Kind, *Sort):
        assert label(word) != word
        assert japanese.text(label(word)) != label(word)
    for spec in ROSTER:
        assert label(spec.name) != spec.name


def test_there_is_something_to_do_about_every_cause() -> None:
    for channel in (*(spec.name for spec in ROSTER), "another"):
        for outcome in Outcome:
            for error_class in (None, *ErrorClass):
                assert advice(channel, outcome, error_class) in {*sentences()}


def test_only_what_the_worker_takes_is_said_to_go_by_itself() -> None:
    for outcome in OPEN - AUTOMATIC - {Outcome.FAILED}:
        for error_class in (None, ErrorClass.TIMEOUT):
            assert "by itself" not in advice("crm", outcome, error_class)


def test_code_in_a_text_is_escaped_first() -> None:
    shown = language_of("en", "").rich("run `<b>` & <img onerror=x>")
    assert shown == "run <code>&lt;b&gt;</code> &amp; &lt;img onerror=x&gt;"


def test_nothing_is_said_in_no_words() -> None:
    assert language_of("ja", "").text(label("")) == ""


def test_what_was_chosen_is_told_in_words_in_the_log_of_actions() -> None:
    chosen = "1300: channel=email&outcome=failed&error_class=invalid_data&reason=550+No+such+user"
    stopped = "replay CB1ktrPEdmOO, 45 of 300 done"
    english, japanese = language_of("en", ""), language_of("ja", "")
    assert details_of(english, chosen) == [
        *("1,300", "E-mail", "Failed", "Data refused", "550 No such user")
    ]
    assert details_of(japanese, chosen)[1:3] == ["メール", "失敗"]
    assert details_of(english, stopped) == ["Send again", "45 of 300"]
    assert details_of(japanese, stopped)[1] == "300件中45件"
    for other in ("email: 1", "12 34", "crm", "0"):
        assert details_of(english, other) == [other]
    assert details_of(english, "") == []


def test_the_steps_of_a_merge_are_told_in_the_readers_language() -> None:
    merge = Merge(1, 2, "given", None, points=30)
    step = of_merge("left", merge)
    assert language_of("en", "").said(step) == "30 points have left member 2."
    assert language_of("ja", "").said(step) == "会員 2 から30ポイントを引きました。"
    assert language_of("ja", "").said("only in English") == "only in English"
    page = "{% import '_macros.html' as ui %}<li{{ ui.foreign(a) }}><li{{ ui.foreign(b) }}>"
    shown = environment("ja").from_string(page).render(a=step, b="only in English", visit=None)
    assert shown == '<li><li lang="en">'


def test_a_step_crosses_to_a_command_as_its_english_text() -> None:
    step = of_merge("left", Merge(1, 2, "given", None, points=30))
    assert orjson.dumps({"text": step}) == b'{"text":"30 points have left member 2."}'
