import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.normalize import clean_name, is_placeholder, name_key
from gateway.normalize.variants import _GROUPS


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("髙橋", "髙橋"),
        ("﨑山", "﨑山"),
        ("渡邊\U000e0102", "渡邊\U000e0102"),
        ("\ufa19", "\ufa19"),
        (" 山田　 太郎 ", "山田 太郎"),
        ("山田\u200b太郎\x07", "山田太郎"),
        ("ﾔﾏﾀﾞ", "ヤマダ"),
        ("か\u3099く", "がく"),
        ("Ｔａｒｏ", "Taro"),
        ("山\ud842田", "山田"),
        ("O'Brien", "O'Brien"),
    ],
)
def test_shown_name_keeps_the_customers_own_characters(written: str, shown: str) -> None:
    assert clean_name(written) == shown


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("髙橋", "高橋"),
        ("山﨑", "山崎"),
        ("渡邊\U000e0102", "渡辺"),
        ("渡邉", "渡辺"),
        ("齋藤", "斉藤"),
        ("\ufa19谷", "神谷"),
        ("佐々木", "佐佐木"),
        ("山田 太郎", "山田太郎"),
        ("ＹＡＭＡＤＡ", "yamada"),
        ("澤田", "沢田"),
        ("René", "Rene"),
    ],
)
def test_key_folds_variants_width_and_spaces(one: str, other: str) -> None:
    assert name_key(one) == name_key(other) != ""


@pytest.mark.parametrize(("one", "other"), [("坂本", "阪本"), ("伊東", "伊藤"), ("太田", "大田")])
def test_key_keeps_different_names_apart(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)


@pytest.mark.parametrize(
    "written",
    ["未入力", "-", "ー", "ーー", "―", "＊", "***", "なし", "N/A", "", "　", "😀", "\ud800", "？"],
)
def test_placeholder_is_no_name(written: str) -> None:
    assert is_placeholder(written)
    assert name_key(written) == ""


@pytest.mark.parametrize("written", ["一", "林", "ノ", "梨", "みな", "Li"])
def test_short_name_is_a_name(written: str) -> None:
    assert not is_placeholder(written)


def test_no_character_is_a_variant_of_two() -> None:
    characters = "".join(_GROUPS.split())
    assert len(characters) == len(set(characters))


@given(st.text())
def test_any_text_has_a_shown_form_and_a_key(text: str) -> None:
    assert clean_name(clean_name(text)) == clean_name(text)
    assert name_key(clean_name(text)) == name_key(text)


@given(st.text("山田佐々木髙高橋渡邉斎齋一未入力不明客様ー田中", max_size=6))
def test_the_quick_way_for_plain_text_gives_the_same(text: str) -> None:
    assert name_key(text) == name_key(f"{text} ")
