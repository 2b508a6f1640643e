"""The console's two languages: gettext catalogues, of which the .po files are read at the start."""

import gettext
import io
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files

from babel.dates import format_datetime, format_skeleton, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from markupsafe import Markup, escape

from gateway import frozen
from gateway.duplicates.steps import Told
from gateway.wording import preferred

__all__ = ["LANGUAGES", "N_", "Language", "language_of"]

_CODE = re.compile("`([^`]+)`")
LANGUAGES: Mapping[str, str] = {"en": "English", "ja": "日本語"}


def N_(message: str) -> str:  # noqa: N802 - gettext's own word
    """Marks a text that is translated where it is shown."""
    return message


@frozen
class Language:
    """One of `LANGUAGES` by its `code`."""

    code: str
    catalogue: gettext.NullTranslations

    def text(self, message: str, **values: object) -> str:
        found = self.catalogue.gettext(message) if message else ""  # '' is the catalogue's head
        return found % values if values else found

    def said(self, line: str) -> str:
        """A step that the gateway tells: as it is, where it is known in English alone."""
        return line.told(self.text) if isinstance(line, Told) else line

    def number(self, value: float) -> str:
        return str(format_decimal(value, locale=self.code))

    def rich(self, message: str) -> Markup:
        """The message translated, with what stands in backquotes as code."""
        return Markup(_CODE.sub(r"<code>\1</code>", str(escape(self.text(message)))))  # noqa: S704

    def moment(self, at: float | str | None) -> str:
        """A time of this machine's zone; `at` in Unix seconds, or as RFC 3339 has it."""
        if at is None:
            return ""
        known = datetime.fromisoformat(at) if isinstance(at, str) else None
        local = (known or datetime.fromtimestamp(float(at), UTC)).astimezone()
        return format_datetime(local, "medium", tzinfo=local.tzinfo, locale=self.code)

    def hour(self, at: float) -> str:
        return datetime.fromtimestamp(at, UTC).astimezone().strftime("%H:%M")

    def day(self, at: float) -> str:
        local = datetime.fromtimestamp(at, UTC).astimezone()
        return str(format_skeleton("MMMd", local, locale=self.code))

    def seconds(self, value: float) -> str:
        return str(format_decimal(value, "0.00", locale=self.code))

    def distance(self, at: float | None, now: float) -> str:
        """How long ago, or in how long; both in Unix seconds of the same clock."""
        if at is None:
            return ""
        return format_timedelta(timedelta(seconds=at - now), add_direction=True, locale=self.code)

    def duration(self, seconds: float) -> str:
        return format_timedelta(timedelta(seconds=seconds), locale=self.code)


@cache
def _language(code: str) -> Language:
    if code == "en":
        return Language(code, gettext.NullTranslations())
    source = files("gateway.console").joinpath("locale", f"{code}.po").read_bytes()
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(source), locale=code))
    compiled.seek(0)
    return Language(code, gettext.GNUTranslations(compiled))


def language_of(chosen: str | None, accepts: str) -> Language:
    """What was chosen, else what `Accept-Language` asks for, else English."""
    return _language(chosen if chosen in LANGUAGES else preferred(accepts))
