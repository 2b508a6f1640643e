"""From the text of the environment and of the `.env` file to flags, with every fault at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from flags.allow import read_allow
from flags.decision import Mode
from flags.flag import PREFIX, Flag, FlagSet, Source, variable
from flags.spelling import capitals, nearest, shown
from flags.words import ALLOWED_WORDS, read_mode, read_percent

_PERCENT = "_PERCENT"
_ALLOW = "_ALLOW"

Text = Mapping[str, str | None]  # None as python-dotenv gives it, for a name without `=`


class FlagError(Exception):
    """`problems`: one sentence for each fault, naming its variable and never a value."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(problems)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(self.problems)


def load(names: Sequence[str], environment: Text, dotenv: Text) -> FlagSet:
    """The flags of `names` (`x` stands for `FLAG_X`, `FLAG_X_PERCENT`, `FLAG_X_ALLOW`).

    The environment goes before `.env`; a blank value counts as unset, an unset flag is off.
    Raises FlagError with every fault; ValueError if two of `names` share a variable.
    """
    variables = [variable(name) for name in names]
    right = [name + end for name in variables for end in ("", _PERCENT, _ALLOW)]
    if len(set(right)) != len(right):
        raise ValueError("two flags share a variable")
    reading = _Reading(environment, dotenv)
    reading.refuse_strangers(right)
    reading.warn_of_shadows(right)
    flags = {name: reading.flag(name) for name in variables}
    if reading.problems:
        raise FlagError(reading.problems)
    return FlagSet(MappingProxyType(flags), tuple(reading.warnings))


@dataclass(slots=True)
class _Reading:
    """One pass over both sources, gathering what is wrong on the way."""

    environment: Text = field(repr=False)
    dotenv: Text = field(repr=False)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def flag(self, name: str) -> Flag:
        mode, source = self._mode(name)
        percent, allow = self._percent(name + _PERCENT), self._allow(name + _ALLOW)
        if source == "default":
            self._warn_unset(name)
        elif mode is Mode.ON and allow and percent is None:
            self.warnings.append(
                f"{name}{_ALLOW} changes nothing without {name}{_PERCENT}: {name} sends to "
                f"everybody; {name}{_PERCENT}=0 sends to the listed only"
            )
        return Flag(name, mode, source, percent, allow)

    def refuse_strangers(self, right: Sequence[str]) -> None:
        """A misspelt flag would otherwise be off, and nobody would know why."""
        for name in dict.fromkeys((*self.environment, *self.dotenv)):
            spelt = capitals(name)
            if name in right or not spelt.startswith(PREFIX):
                continue
            where = " and ".join(self._holders(name))
            self.problems.append(
                f"{shown(name, PREFIX, 'flag')} (in {where}) belongs to no flag; "
                f"the nearest right name is {nearest(spelt, right) or 'none'}"
            )

    def warn_of_shadows(self, right: Sequence[str]) -> None:
        self.warnings.extend(
            f"{name} in .env has no effect: the environment sets it too"
            for name in right
            if _filled(self.environment.get(name)) and _filled(self.dotenv.get(name))
        )

    def _mode(self, name: str) -> tuple[Mode, Source]:
        text, source = self._find(name)
        if text is None:
            return Mode.OFF, source
        mode = read_mode(text)
        if mode is None:
            self._refuse(name, source, f"cannot be read; it must be {ALLOWED_WORDS}")
        return mode or Mode.OFF, source

    def _percent(self, name: str) -> float | None:
        text, source = self._find(name)
        if text is None:
            return None
        percent = read_percent(text)
        if percent is None:
            self._refuse(name, source, "cannot be read; it must be a number from 0 to 100")
        return percent

    def _allow(self, name: str) -> frozenset[str]:
        text, source = self._find(name)
        entries, wrong = read_allow(text or "")
        for position in wrong:
            rule = f"entry {position} is neither an e-mail nor an @domain; commas separate entries"
            self._refuse(name, source, rule)
        return entries

    def _find(self, name: str) -> tuple[str | None, Source]:
        if _filled(text := self.environment.get(name)):
            return text, "environment"
        if _filled(text := self.dotenv.get(name)):
            return text, ".env"
        return None, "default"

    def _warn_unset(self, name: str) -> None:
        self.warnings.append(f"{name} is not set: it counts as off")
        self.warnings.extend(
            f"{name}{end} has no effect: {name} is not set"
            for end in (_PERCENT, _ALLOW)
            if self._find(name + end)[0] is not None
        )

    def _refuse(self, name: str, source: Source, rule: str) -> None:
        self.problems.append(f"{name} (in {_place(source)}): {rule}")

    def _holders(self, name: str) -> list[str]:
        places = (("the environment", self.environment), (".env", self.dotenv))
        return [place for place, text in places if name in text]


def _place(source: Source) -> str:
    return "the environment" if source == "environment" else source


def _filled(text: str | None) -> bool:
    return text is not None and text.strip() != ""
