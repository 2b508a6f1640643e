"""A visitor of the console without a browser: cookies, and the forms of the page that was read."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Self

import aiohttp

from tests.world import World

__all__ = ["ADMIN", "STAFF", "Form", "Page", "Visitor"]

ADMIN, STAFF = "correct horse battery", "staple of the staff"


@dataclass(slots=True)
class Form:
    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get"))
            self.forms.append(self._form)
        elif self._form is None or "name" not in given:
            return
        elif tag == "button":
            self._form.buttons.append((given["name"], given.get("value", "")))
        elif tag == "input" and given.get("type") in {"checkbox", "radio"}:
            if "checked" in given:
                self._form.fields.append((given["name"], given.get("value", "")))
        elif tag in {"input", "textarea"}:
            self._form.fields.append((given["name"], given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None


@dataclass(frozen=True, slots=True)
class Page:
    status: int
    url: str
    headers: Any
    text: str

    @property
    def forms(self) -> list[Form]:
        reader = _Forms()
        reader.feed(self.text)
        return reader.forms

    def form(self, action: str, **fields: str) -> Form:
        """The first form that goes there and holds these fields."""
        return next(
            form
            for form in self.forms
            if form.action == action and {*fields.items()} <= {*form.fields}
        )

    @property
    def words(self) -> str:
        """What can be read on it, on one line."""
        main = self.text.partition("<main")[2]
        return " ".join(re.sub(r"<[^>]+>", " ", main).split())


class Visitor:
    """`world` is one that was started with ADMIN and STAFF."""

    def __init__(self, world: World, **headers: str) -> None:
        self.world = world
        self.session = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True), headers=headers
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()

    async def get(self, path: str, **headers: str) -> Page:
        return await self._ask("GET", path, None, headers)

    async def post(self, path: str, fields: Any, **headers: str) -> Page:
        return await self._ask("POST", path, fields, headers)

    async def send(self, form: Form, *more: tuple[str, str], **changes: str) -> Page:
        """As a browser does, with fields added or put in place of the form's."""
        kept = [(name, value) for name, value in form.fields if name not in changes]
        return await self.post(form.action, [*kept, *more, *changes.items()])

    async def sign_in(self, password: str = ADMIN) -> Page:
        page = await self.get("/admin/login")
        return await self.send(page.form("/admin/login"), password=password)

    async def _ask(self, method: str, path: str, data: Any, headers: Any) -> Page:
        url = path if path.startswith("http") else self.world.url + path
        async with self.session.request(method, url, data=data, headers=headers) as response:
            text = (await response.read()).decode()
            return Page(response.status, response.url.raw_path_qs, response.headers, text)
