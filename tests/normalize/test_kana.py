import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.normalize import is_kana, kana_key, smaregi_kana, to_katakana


@pytest.mark.parametrize(
    "text",
    [
        *(
            "ヤマダ",
            "やまだ",
            "ﾔﾏﾀﾞ",
            "ヤマダ タロウ",
            "メアリー・ジェーン",
            "オコナー",
            "ヴィクトリア",
        ),
        *("ド゠ゴール", "いすゞ", "ユ-ジ", "オ'コナー", "ヱビス", "アㇰ", "ア゛", "か\u3099\u3099"),
    ],
)
def test_a_reading_is_kana_with_what_stands_between_names(text: str) -> None:
    assert is_kana(to_katakana(text))


@pytest.mark.parametrize(
    "text",
    [
        "山田",
        "Yamada",
        "Ｙａｍａｄａ",
        "ヤマ田",
        "ジョン・F",
        "ー",
        "・",
        "-",
        "123",
        "ヤマダ1",
        "🍣",
        "Ωμέγα",
    ],
)
def test_kanji_latin_and_signs_alone_are_no_reading(text: str) -> None:
    assert not is_kana(to_katakana(text))


@pytest.mark.parametrize(
    ("written", "katakana"),
    [
        ("やまだ", "ヤマダ"),
        ("ﾔﾏﾀﾞ ﾀﾛｳ", "ヤマダ タロウ"),
        ("ﾊﾟﾋﾟﾌﾟ", "パピプ"),
        ("ゔぃくとりあ", "ヴィクトリア"),
        ("う゛ぃ", "ヴィ"),
        ("ｳﾞｨ", "ヴィ"),
        ("か\u3099く", "ガク"),
        ("ヷイオリン", "ヴァイオリン"),
        ("ゕゖ", "ヵヶ"),
        ("ユ-ジ", "ユージ"),
        ("サリ－", "サリー"),
        ("ゆ～じ", "ユージ"),
        ("みすゞ", "ミスズ"),
        ("いすゝ", "イスス"),
        ("　やまだ　", "ヤマダ"),
        ("Ｔａｒｏ", "Taro"),
        ("", ""),
    ],
)
def test_kana_of_every_kind_becomes_full_width_katakana(written: str, katakana: str) -> None:
    assert to_katakana(written) == katakana


@pytest.mark.parametrize(
    ("written", "sent", "changed"),
    [
        ("やまだ", "ヤマダ", False),
        ("ﾔﾏﾀﾞ", "ヤマダ", False),
        ("ジャン・ポール", "ジャン ポール", False),
        ("山田ヤマダ", "ヤマダ", True),
        ("ヤマダ😀", "ヤマダ", True),
        ("José", "Jose", True),
        ("ア" * 100, "ア" * 85, True),
        ("山田", "", True),
    ],
)
def test_smaregi_gets_katakana_or_ascii_only(written: str, sent: str, changed: bool) -> None:
    assert smaregi_kana(written) == (sent, changed)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ショウコ", "ｼﾖｳｺ"),
        ("しょーこ", "ショウコ"),
        ("オオノ", "オーノ"),
        ("ケーコ", "ケイコ"),
        ("ヴィヴィ", "ビビ"),
        ("カヅオ", "カズオ"),
        ("ヤマダ タロウ", "ヤマダタロウ"),
        ("José", "JOSE"),
    ],
)
def test_key_is_the_same_for_one_sound(one: str, other: str) -> None:
    assert kana_key(one) == kana_key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"), [("オノ", "オオノ"), ("サトウ", "サト"), ("ハタ", "ハダ")]
)
def test_key_keeps_different_names_apart(one: str, other: str) -> None:
    assert kana_key(one) != kana_key(other)


@given(st.text())
def test_any_text_fits_smaregi(text: str) -> None:
    sent, _ = smaregi_kana(text)
    assert len(sent) <= 85
    assert all(" " <= char <= "~" or "ァ" <= char <= "ヶ" or char == "ー" for char in sent)


@given(st.text("あいうえおかがきぎばぱゃゅょっん", max_size=20))
def test_hiragana_and_katakana_have_one_key(text: str) -> None:
    assert kana_key(text) == kana_key(to_katakana(text))


@given(st.text("アイウエオカキクケコサショウーヴヅヲガュッンヵヶヽゞ-あ", max_size=12))
def test_the_quick_way_for_plain_text_gives_the_same(text: str) -> None:
    assert kana_key(text) == kana_key(f"{text} ")
