"""Where settings come from: the environment, then `.env`; and how they become sections."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from dotenv.parser import parse_stream
from pydantic import ValidationError

from gateway.errors import ConfigurationError
from gateway.settings.sections import Section

__all__ = ["Sources", "load_sections", "read_dotenv"]


class Sources:
    """Where values come from: the environment first, then the lines of `.env`.

    Empty values count as unset. Both mappings are handed in, so that `demo` can read nothing.
    """

    def __init__(self, environment: Mapping[str, str], dotenv: Mapping[str, str]) -> None:
        self.environment = environment
        self.dotenv = dotenv

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The process's environment and `folder/.env`; ConfigurationError if it is unreadable."""
        return cls(os.environ, read_dotenv(folder / ".env"))

    def only(self, name: str) -> tuple[dict[str, str], dict[str, str]]:
        """The two mappings, with nothing in them but this variable."""
        return (
            {key: text for key, text in self.environment.items() if key == name},
            {key: text for key, text in self.dotenv.items() if key == name},
        )

    def values(self) -> dict[str, str]:
        merged: dict[str, str] = {}
        for mapping in (self.dotenv, self.environment):
            merged.update({k.upper(): v for k, v in mapping.items() if v.strip()})
        return merged


def read_dotenv(path: Path) -> dict[str, str]:
    """The file's pairs; a missing file is empty. A line that is none is named by its number."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            bindings = list(parse_stream(file))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([f".env: cannot be read ({type(error).__name__})"]) from None
    wrong = [b.original.line for b in bindings if b.error or (b.key and b.value is None)]
    if wrong:
        raise ConfigurationError([f".env: line {n} is not VARIABLE=value" for n in wrong])
    return {b.key: b.value for b in bindings if b.key and b.value is not None}


def load_sections(
    sections: Mapping[str, type[Section]], sources: Sources
) -> tuple[dict[str, Section], list[str]]:
    """The sections that could be read, and a problem for every wrong value of the others."""
    values = sources.values()
    loaded: dict[str, Section] = {}
    problems: list[str] = []
    for name, section in sections.items():
        given: dict[str, Any] = {
            f: values[f.upper()] for f in section.model_fields if f.upper() in values
        }
        try:
            loaded[name] = section(**given)
        except ValidationError as error:
            problems += _problems(section, error)
    return loaded, problems


def _problems(section: type[Section], error: ValidationError) -> Iterator[str]:
    for detail in error.errors(include_input=False, include_url=False, include_context=False):
        name = str(detail["loc"][0])
        message = _message(detail)
        info = section.model_fields.get(name)
        hint = f" ({info.description})" if info and info.description else ""
        yield f"{name.upper()}: {message}{hint}"


def _message(detail: Mapping[str, Any]) -> str:
    if str(detail["type"]).startswith("bool_"):
        return "should be true or false"
    return str(detail["msg"]).removeprefix("Value error, ").removeprefix("Input ")
