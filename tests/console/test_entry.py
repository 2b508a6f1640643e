"""Who is let into the console, for how long, and what keeps guessing and foreign forms out."""

import re
from pathlib import Path

import pytest

from gateway.console import application, brake, sessions
from gateway.console.brake import Brake
from gateway.console.roles import Passwords, Role
from gateway.console.sessions import IDLE, LASTS, Sessions
from gateway.settings import GatewaySettings
from gateway.settings.passwords import hashed, is_hash, is_right
from gateway.store import Keys, actions
from tests.console.visitor import ADMIN, STAFF, Visitor
from tests.world import World, a_world

PAGES = ("/admin", "/admin/deliveries", "/admin/deliveries/1", "/admin/jobs/x")


async def test_without_a_password_there_is_no_console(tmp_path: Path) -> None:
    async with a_world(tmp_path) as bare, Visitor(bare) as visitor:
        for path in (*PAGES, "/admin/login", "/admin/static/console.css"):
            assert (await visitor.get(path)).status == 404, path
        assert (await visitor.post("/admin/login", {"password": ""})).status == 404


async def test_whoever_has_not_signed_in_sees_the_way_in_alone(stranger: Visitor) -> None:
    for path in PAGES:
        assert (await stranger.get(path)).url.partition("?")[0] == "/admin/login", path
    for path in ("/admin/deliveries/act", "/admin/deliveries/begin", "/admin/logout"):
        assert (await stranger.post(path, {"act": "replay"})).url == "/admin/login", path


async def test_a_password_or_its_hash_lets_in_and_its_role_counts(world: World) -> None:
    for password, role in ((ADMIN, "admin"), (STAFF, "staff")):
        async with Visitor(world) as visitor:
            assert (await visitor.sign_in("not this one at all")).status == 403
            page = await visitor.sign_in(password)
            assert (page.url, f"You are {role}-" in page.text) == ("/admin", True)
    world.set(GATEWAY_ADMIN_PASSWORD=hashed("another good password"))
    async with Visitor(world) as visitor:
        assert (await visitor.sign_in("another good password")).url == "/admin"


async def test_staff_may_not_do_what_is_the_administrators(staff: Visitor) -> None:
    page = await staff.get("/admin")
    assert page.status == 200
    token = dict(page.form("/admin/logout").fields)["token"]
    for path, fields in (
        ("/admin/deliveries/act", {"act": "discard", "scope": "matching"}),
        ("/admin/deliveries/begin", {"act": "discard", "scope": "matching"}),
        ("/admin/systems/crm/try", {}),
    ):
        assert (await staff.post(path, {"token": token, **fields})).status == 403, path
        token = dict((await staff.get("/admin")).form("/admin/logout").fields)["token"]
    assert "Try now" not in page.text


async def test_a_session_ends_with_the_password_it_was_begun_with(
    world: World, admin: Visitor
) -> None:
    async with Visitor(world) as other:
        await other.sign_in(STAFF)
        world.set(GATEWAY_ADMIN_PASSWORD="a new password of ours")
        assert (await admin.get("/admin")).url == "/admin/login"
        assert (await other.get("/admin")).url == "/admin"


async def test_signing_out_ends_the_session_not_only_the_cookie(
    world: World, admin: Visitor
) -> None:
    kept = {c.key: c.value for c in admin.session.cookie_jar}
    await admin.send((await admin.get("/admin")).form("/admin/logout"))
    async with Visitor(world, Cookie=f"gateway_session={kept['gateway_session']}") as thief:
        assert (await thief.get("/admin")).url == "/admin/login"


def _sessions(clock: list[float]) -> Sessions:
    settings = GatewaySettings(gateway_admin_password=ADMIN)
    return Sessions(Keys("a secret"), Passwords(lambda: settings), lambda: clock[0])


def test_a_session_lasts_twelve_hours_and_an_hour_of_rest() -> None:
    clock = [0.0]
    them = _sessions(clock)
    cookie = them.cookie(them.open(Role.ADMIN))
    clock[0] = IDLE - 1
    assert them.of(cookie) is not None
    clock[0] += IDLE
    assert them.of(cookie) is None
    cookie = them.cookie(them.open(Role.ADMIN))
    for _ in range(int(LASTS // (IDLE - 60))):
        clock[0] += IDLE - 60
        assert them.of(cookie) is not None
    clock[0] += IDLE - 60
    assert them.of(cookie) is None


def test_a_cookie_that_was_changed_names_nobody() -> None:
    them = _sessions([0.0])
    cookie = them.cookie(them.open(Role.STAFF))
    other = them.cookie(them.open(Role.ADMIN))
    name, _, signature = cookie.partition(".")
    for forged in ("", name, f"{name}.", f"{name}.{'0' * 64}", f"{name}.{other.partition('.')[2]}",
                   f"{other.partition('.')[0]}.{signature}", "é.é", "\udcff.x"):  # fmt: skip
        assert them.of(forged) is None, forged


def test_sessions_are_few() -> None:
    them = _sessions([0.0])
    first = them.cookie(them.open(Role.ADMIN))
    for _ in range(sessions._MOST):
        them.open(Role.ADMIN)
    assert them.of(first) is None


async def test_after_five_wrong_passwords_an_address_waits(
    world: World, stranger: Visitor, admin: Visitor
) -> None:
    for _ in range(5):
        page = await stranger.sign_in("wrong, and long enough")
        assert page.status == 403
    page = await stranger.sign_in(ADMIN)
    assert page.status == 429
    assert int(page.headers["Retry-After"]) > 30
    assert "Wait 1 minute" in page.words
    assert (await admin.get("/admin")).url == "/admin"  # who is in stays in
    async with Visitor(world, **{"X-Forwarded-For": "198.51.100.7"}) as other:
        assert (await other.sign_in()).url == "/admin"


def test_the_brake_doubles_forgets_and_stops_a_crowd() -> None:
    clock = [0.0]
    it = Brake(lambda: clock[0])
    for _ in range(brake.OF_ONE):
        assert it.wait("a") == 0
        it.begin("a")
    assert (it.wait("a"), it.wait("b")) == (brake.FIRST, 0)
    clock[0] += brake.FIRST
    assert it.wait("a") == 0
    it.begin("a")
    assert it.wait("a") == 2 * brake.FIRST
    it.right("a")
    assert it.wait("a") == 0
    for number in range(brake.IN_ALL):
        it.begin(f"10.0.0.{number}")
    assert 0 < it.wait("never seen") <= brake.FIRST
    clock[0] += brake.WINDOW
    assert it.wait("never seen") == 0


def test_the_brake_remembers_no_more_than_it_must() -> None:
    it = Brake(lambda: 0.0)
    for number in range(brake._REMEMBERED + 10):
        it.begin(str(number))
    assert len(it._wrong) == brake._REMEMBERED


HEADERS = {
    "Content-Security-Policy": r"default-src 'none'.*frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


async def test_every_page_has_the_headers(admin: Visitor) -> None:
    for path in ("/admin", "/admin/login", "/admin/static/console.css", "/admin/nothing"):
        headers = (await admin.get(path)).headers
        for name, value in HEADERS.items():
            assert re.search(value, headers[name]), (path, name)


@pytest.mark.long
async def test_no_page_names_anything_outside(admin: Visitor) -> None:
    for path in ("/admin", "/admin/deliveries", "/admin/static/console.css"):
        text = (await admin.get(path)).text
        assert (
            re.findall(r"""(?:src|href|action)=["'](?!/admin|#)[^"']*|url\(|@import""", text) == []
        )
        assert not re.search(r"<script(?! src=\"/admin)|\son\w+=|\sstyle=", text), path


@pytest.mark.long
async def test_the_cookie_is_only_the_consoles_and_secure_behind_tls(world: World) -> None:
    for proto, secure in (("http", False), ("https", True)):
        async with Visitor(world, **{"X-Forwarded-Proto": proto}) as visitor:
            page = await visitor.get("/admin/login")
            form = page.form("/admin/login")
            url = world.url + "/admin/login"
            visit = re.search(r"gateway_visitor=([^;]+)", page.headers["Set-Cookie"])
            assert visit is not None
            async with visitor.session.post(
                url,
                data={**dict(form.fields), "password": ADMIN},
                headers={"Cookie": f"gateway_visitor={visit[1]}"},
                allow_redirects=False,
            ) as answer:
                cookie = answer.headers["Set-Cookie"]
        assert {"HttpOnly", "Path=/admin", "SameSite=Strict"} <= set(cookie.split("; "))
        assert ("Secure" in cookie.split("; ")) is secure


async def test_a_form_needs_its_own_token(world: World, admin: Visitor) -> None:
    page = await admin.get("/admin")
    mine = dict(page.form("/admin/logout").fields)["token"]
    async with Visitor(world) as other:
        await other.sign_in()
        theirs = dict((await other.get("/admin")).form("/admin/logout").fields)["token"]
    number = mine.partition(".")[0]
    forged = ("", "x", f"{number}.", f"{number}.{'0' * 64}", theirs, "é.é")
    for path in ("/admin/logout", "/admin/deliveries/act", "/admin/deliveries/begin",
                 "/admin/systems/crm/try", "/admin/jobs/x/cancel"):  # fmt: skip
        for token in forged:
            assert (await admin.post(path, {"token": token, "act": "replay"})).status == 403
        assert (await admin.post(path, {"act": "replay"})).status == 403
    assert (await admin.get("/admin")).url == "/admin"


async def test_a_form_of_another_site_is_refused_even_with_a_token(admin: Visitor) -> None:
    token = dict((await admin.get("/admin")).form("/admin/logout").fields)["token"]
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        page = await admin.post("/admin/logout", {"token": token}, **headers)
        assert page.status == 403
    as_json = {"Content-Type": "application/json"}
    assert (await admin.post("/admin/logout", b"{}", **as_json)).status == 415


async def test_a_form_that_is_sent_twice_does_nothing_twice(world: World, admin: Visitor) -> None:
    form = (await admin.get("/admin")).form("/admin/systems/crm/try")
    assert (await admin.send(form)).status == 200
    again = await admin.send(form)
    assert (again.status, "Sent already" in again.words) == (409, True)
    done = await world.core.db.read(lambda db: actions.page(db, None, 10))
    assert [each.action for each in done] == ["probe", "sign_in"]


async def test_the_language_follows_the_browser_and_the_switch(
    world: World, stranger: Visitor
) -> None:
    japanese = {"Accept-Language": "ja-JP,ja;q=0.9,en;q=0.5"}
    assert 'lang="ja"' in (await stranger.get("/admin/login", **japanese)).text
    assert 'lang="en"' in (await stranger.get("/admin/login", **{"Accept-Language": "fr"})).text
    page = await stranger.get("/admin/language/ja?back=/admin/login")
    assert (page.url, 'lang="ja"' in page.text) == ("/admin/login", True)
    for back in ("//evil.example", "https://evil.example", "/adminx", "/admin/\\evil", "\r\nX: y"):
        page = await stranger.get(f"/admin/language/en?back={back}".replace("\r\n", "%0d%0a"))
        assert page.url == "/admin/login", back
    for wrong in ("..", "de", "%2e%2e", "ja.po"):
        assert (await stranger.get(f"/admin/language/{wrong}")).status in {404, 200}
    assert (await stranger.get("/admin/static/..%2f..%2ferrors.py")).status == 404
    assert (await stranger.get("/admin/static/ja.po")).status == 404


@pytest.mark.long
async def test_the_console_may_have_a_port_of_its_own(tmp_path: Path) -> None:
    own = {"GATEWAY_ADMIN_PASSWORD": ADMIN, "GATEWAY_ADMIN_PORT": "0"}
    async with a_world(tmp_path, None, **own) as world, Visitor(world) as visitor:
        assert (await visitor.get("/admin")).status == 404
        assert (await world.get("/healthz")).status == 200


def test_a_hash_is_of_its_password_alone() -> None:
    made = hashed("correct horse battery")
    assert is_hash(made)
    assert is_right("correct horse battery", made)
    assert not is_right("correct horse batterx", made)
    assert not is_right("correct horse battery", "correct horse battery")
    assert made != hashed("correct horse battery")


@pytest.mark.parametrize(
    "text",
    [
        "short",
        "scrypt:1:8:1:aaaa:bbbb",
        f"scrypt:16384:8:1:{'A' * 22}:{'A' * 43}=",
        f"scrypt:1048576:8:1:{'A' * 22}==:{'A' * 43}=",
        f"scrypt:16383:8:1:{'A' * 22}==:{'A' * 43}=",
        f"scrypt:131072:99:1:{'A' * 22}==:{'A' * 43}=",
    ],
)
def test_a_password_that_is_none_stops_the_start(text: str) -> None:
    with pytest.raises(ValueError, match="gateway_admin_password"):
        GatewaySettings(gateway_admin_password=text)


def test_the_asking_forms_are_few() -> None:
    """Whatever is not among them may be sent once."""
    assert all(path.endswith(("/act", "/find", "/look")) for path in application._ASKING)


async def test_a_form_that_is_too_large_or_never_ends_is_refused(
    world: World, stranger: Visitor
) -> None:
    page = await stranger.post("/admin/login", {"password": "x" * 70_000})
    assert page.status == 413
    assert "Nothing was done" in page.words
    assert (await stranger.post("/admin/login", {"password": "x" * 60_000})).status == 403
