"""Pages are made here: templates, in the visitor's language, with every text escaped."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from aiohttp import web
from jinja2 import DictLoader, Environment, StrictUndefined

from gateway.console.language import LANGUAGES, language_of
from gateway.console.package_files import templates
from gateway.console.visit import DESK, PREFIX, VISIT
from gateway.console.words import label, tone
from gateway.http.keys import CORE

__all__ = ["render", "see_other"]


@cache
def environment(code: str) -> Environment:
    """Of one language: its catalogue is installed into all of it."""
    made = Environment(
        loader=DictLoader(templates()),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    catalogue = language_of(code, "").catalogue
    made.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined]
    made.globals |= {"label": label, "tone": tone, "prefix": PREFIX, "languages": LANGUAGES}
    return made


def render(
    request: web.Request, template: str, values: Mapping[str, Any] | None = None, status: int = 200
) -> web.Response:
    visit = request[VISIT]
    language = visit.language
    text = (
        environment(language.code)
        .get_template(template)
        .render(
            {
                "visit": visit,
                "lang": language,
                "now": request.app[CORE].runtime.clock(),
                "here": request.path,
                "path_qs": request.path_qs,
                "in_demo": request.app[DESK].passwords.is_open,
                "running": request.app[DESK].jobs.running() if visit.session else [],
                "zone": datetime.now().astimezone().strftime("UTC%z"),
                **(values or {}),
            }
        )
    )
    return web.Response(status=status, text=text, content_type="text/html", charset="utf-8")


def see_other(path: str) -> web.Response:
    """After a form: the page to read, which may be read again."""
    return web.Response(status=303, headers={"Location": f"{PREFIX}{path}"})
