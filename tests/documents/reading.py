"""The documents as text: README.md, those shipped in `gateway/`, and that of the tests."""

import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["DOCUMENTS", "ENGLISH", "ROOT", "SHIPPED", "anchors", "blocks", "links", "text"]

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(
    path for path in (ROOT / "gateway").rglob("*.md") if "node_modules" not in path.parts
)
"""They are in the wheel too."""
DOCUMENTS = [ROOT / "README.md", ROOT / "tests/README.md", *SHIPPED]
_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def text(path: Path) -> str:
    return path.read_text("utf-8")


ENGLISH = "\n".join(text(path) for path in DOCUMENTS if not path.name.endswith(".ja.md"))
"""All that an operator or a developer may have to look up is in here."""


def blocks(path: Path, language: str = "") -> Iterator[str]:
    """The code blocks of a language; without one, those that name none, or a shell."""
    for _, found, block in _BLOCK.findall(text(path)):
        if found == language or (not language and found == "sh"):
            yield block


def anchors(path: Path) -> list[str]:
    """As GitHub names the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", _BLOCK.sub("", text(path)), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings]


def links(path: Path) -> list[str]:
    found = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", _BLOCK.sub("", text(path))))
    return [link for link in found if "://" not in link]
