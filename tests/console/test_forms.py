"""Every form of the console, also one that is added later, with what no honest page sends."""

import re
from itertools import product
from urllib.parse import quote

from gateway.console.pages import deliveries, duplicates, entry, flags, jobs, log, people, start
from tests.console.visitor import ADMIN, Visitor
from tests.world import World

ROOMS = (deliveries, duplicates, entry, flags, jobs, log, people, start)
FORMS = sorted(route.path for room in ROOMS for route in room.routes if route.method == "POST")
OTHERS = [path for path in FORMS if path != "/login"]
FIELDS = (
    *("act", "scope", "tick", "channel", "outcome", "error_class", "kind", "customer", "sort"),
    *("registration", "since", "until", "reason", "text", "why", "what", "one", "other"),
    *("new_member", "survivor", "password", "unheard_of"),
)
MARKUP = "\"'><img src=x onerror=alert(1)>"
TOO_LARGE = str(2**63)


def filled(path: str, value: str) -> str:
    return "/admin" + re.sub(r"\{\w+\}", value, path)


async def token_of(visitor: Visitor) -> str:
    return dict((await visitor.get("/admin/log")).form("/admin/logout").fields)["token"]


def test_the_forms_are_found() -> None:
    assert {"/login", "/logout", "/deliveries/begin", "/duplicates/decide"} <= {*FORMS}
    assert len(FORMS) >= 11


async def test_no_form_is_taken_without_a_token_or_with_anothers(
    world: World, admin: Visitor
) -> None:
    async with Visitor(world) as other:
        await other.sign_in()
        theirs = await token_of(other)
    for path in OTHERS:
        for fields in ({}, {"token": theirs}, {"token": MARKUP}):
            assert (await admin.post(filled(path, "1"), fields)).status == 403, path
    async with Visitor(world) as stranger:
        for path in OTHERS:
            answer = await stranger.post(filled(path, "1"), {"token": theirs})
            assert answer.url == "/admin/login", path
        refused = await stranger.post("/admin/login", {"token": theirs, "password": ADMIN})
        assert refused.status == 403


async def test_whatever_is_in_a_field_is_text(admin: Visitor) -> None:
    for value, path in product((MARKUP, TOO_LARGE, "-1", "\0", "１２"), OTHERS):
        if path != "/logout":
            fields = {"token": await token_of(admin), **dict.fromkeys(FIELDS, value)}
            for where in {filled(path, quote(value, safe="")), filled(path, "1")}:
                page = await admin.post(where, fields)
                assert page.status < 500, (path, page.words)
                assert "<img" not in page.text, path


async def test_a_form_that_does_something_does_it_once(admin: Visitor) -> None:
    """The token that was used is told to be used, wherever it is sent again."""
    token = await token_of(admin)
    await admin.post("/admin/systems/crm/try", {"token": token})
    for path in OTHERS:
        page = await admin.post(filled(path, "1"), {"token": token})
        asks = path in {"/deliveries/act", "/duplicates/look", "/people/find"}
        assert page.status < 500
        assert (page.status == 409 and "Sent already" in page.words) is not asks, path
