"""`Accept-Language`, as browsers and people write it."""

import pytest

from gateway.wording import preferred


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("ja", "ja"),
        ("ja-JP", "ja"),
        ("JA_jp", "ja"),
        ("ja,en-US;q=0.9,en;q=0.8", "ja"),
        ("en-US,en;q=0.9,ja;q=0.8", "en"),
        ("en;q=0.5, ja;q=0.8", "ja"),
        ("ja;q=0.5, en;q=0.8", "en"),
        ("fr, ja;q=0.1", "ja"),
        ("fr, de", "en"),
        ("ja;q=0", "en"),
        ("ja;q=0, en;q=0", "en"),
        ("*", "en"),
        ("*;q=0.1, ja", "ja"),
        ("ja, en", "ja"),
        ("en, ja", "en"),
        ("ja;q=nonsense, en;q=0.1", "en"),
        ("ja;q=nan", "en"),
        ("ja ; Q = 0.9 ;x=y, en;q=0.8", "ja"),
        ("japanese", "en"),
        (";;;,,,=", "en"),
        (",".join(["xx"] * 5000) + ",ja", "en"),
    ],
)
def test_the_language_of_the_greatest_weight_is_chosen(header: str, language: str) -> None:
    assert preferred(header) == language
