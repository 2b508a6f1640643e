import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.normalize import PREFECTURES, prefecture


def test_there_are_47_and_each_is_known_by_every_name() -> None:
    assert len(PREFECTURES) == 47
    for one in PREFECTURES:
        short = one.ja if one.ja == "北海道" else one.ja[:-1]
        for name in (one.ja, short, one.en, one.en.upper(), one.code, one.code[3:]):
            assert prefecture(name) is one


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("Tōkyō", "JP-13"),
        ("TOKYO-TO", "JP-13"),
        ("Ōsaka Prefecture", "JP-27"),
        ("ŌSAKA", "JP-27"),
        ("Kyoto-fu", "JP-26"),
        ("Hyōgo-ken", "JP-28"),
        ("Hokkaidô", "JP-01"),
        ("Gumma", "JP-10"),
        ("oita pref.", "JP-44"),
        ("jp-1", "JP-01"),
        ("１３", "JP-13"),
        ("東 京 都", "JP-13"),
        ("鹿兒島県", "JP-46"),
        ("Tokyo, Japan", "JP-13"),
        (" 大阪 ", "JP-27"),
        ("Kumamoto-Ken", "JP-43"),
    ],
)
def test_prefecture_is_known_however_it_is_written(written: str, code: str) -> None:
    found = prefecture(written)
    assert found is not None
    assert found.code == code


@pytest.mark.parametrize(
    "written", ["", "0", "48", "JP-99", "California", "東京都渋谷区", "海", "x" * 9999]
)
def test_anything_else_is_none(written: str) -> None:
    assert prefecture(written) is None


@given(st.text())
def test_any_text_never_raises(text: str) -> None:
    assert prefecture(text) in {None, *PREFECTURES}
