"""Mutants that no test can see, or need not, each with the reason: `explained.toml`."""

import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FILE", "Explained", "explained", "stale"]

FILE = Path(__file__).with_name("explained.toml")


@dataclass(frozen=True, slots=True)
class Explained:
    """As a mutant has them; one entry stands for all mutants that look like this."""

    file: str
    place: str
    before: str
    after: str
    why: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.file, self.place, self.before, self.after


def explained() -> list[Explained]:
    entries = tomllib.loads(FILE.read_text("utf-8")).get("mutant", [])
    return [Explained(**entry) for entry in entries]


def stale(
    entries: Iterable[Explained], files: Iterable[str], keys: Iterable[tuple[str, str, str, str]]
) -> list[Explained]:
    """Entries of these files that stand for no mutant any more, or stand there twice."""
    known, times = set(keys), Counter(entry.key for entry in entries)
    of = set(files)
    return [e for e in entries if e.file in of and (e.key not in known or times[e.key] > 1)]
