"""One thing said in both languages of the API."""

from typing import Literal, Self

from gateway import frozen

__all__ = ["Language", "Text"]

Language = Literal["en", "ja"]


@frozen
class Text:
    """The same in English and in Japanese; `{name}` stands for a value, the same in both."""

    en: str
    ja: str

    @classmethod
    def english(cls, text: str) -> Self:
        """What only our own commands and logs show."""
        return cls(text, text)

    def within(self, **values: object) -> "Text":
        """With its values, which are numbers and names of ours, never what somebody sent."""
        return Text(self.en.format(**values), self.ja.format(**values))

    def then(self, other: "Text") -> "Text":
        """Two sentences, one after the other."""
        return Text(f"{self.en} {other.en}", f"{self.ja}{other.ja}")

    def told(self, language: Language) -> str:
        return self.ja if language == "ja" else self.en
