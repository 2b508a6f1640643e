"""Deliveries in the console: found by cause, understood, sent again or given up; and bad input."""

import asyncio
import re
from typing import Any

import pytest

from gateway.outcomes import Outcome
from gateway.sandbox import Fault
from gateway.store import actions
from tests.console.visitor import Page, Visitor
from tests.world import World

MARKUP = '<img src=x onerror="alert(document)">'
NO_MAIL = Fault("status", status=550, body="5.1.1 No such user here", match="RCPT")
TOO_LARGE = str(2**63)


async def an_outage(world: World, count: int = 3) -> None:
    """Nobody's mail is taken; every other channel works."""
    world.sandbox.faults.set("email", NO_MAIL)
    for number in range(1, count + 1):
        assert (await world.register(number=number)).status == 201
    world.sandbox.faults.clear()


async def ended(visitor: Visitor, page: Page) -> Page:
    """The page of a job, once it has ended."""
    async with asyncio.timeout(30):
        while "data-follow" in page.text:
            await asyncio.sleep(0.02)
            page = await visitor.get(page.url)
    return page


async def confirmed(visitor: Visitor, page: Page) -> Page:
    return await ended(visitor, await visitor.send(page.form("/admin/deliveries/begin")))


async def test_an_outage_is_found_understood_and_mended(world: World, staff: Visitor) -> None:
    await an_outage(world)
    start = await staff.get("/admin")
    assert start.words.count("3 deliveries failed.") == 2, "above all, and at its system"
    assert '"/admin/deliveries?channel=email&amp;outcome=failed"' in start.text
    assert start.words.count("Answers, as far as it was asked.") == 3
    assert "550 5.1.1 No such user here" in start.words
    assert "Mend the address in Shopify" in start.words
    asked = await staff.send(start.form("/admin/deliveries/act"))
    assert "3 deliveries are tried again." in asked.words
    done = await confirmed(staff, asked)
    assert "3 of 3" in done.words
    assert "Delivered 3" in done.words
    assert {d.outcome for d in await world.deliveries()} == {Outcome.DELIVERED}
    assert "Nothing needs a person." in (await staff.get("/admin")).words


async def test_only_what_is_ticked_is_taken(world: World, admin: Visitor) -> None:
    await an_outage(world)
    first, second, _ = await world.deliveries(outcomes=(Outcome.FAILED,))
    page = await admin.get("/admin/deliveries?outcome=failed")
    form = page.form("/admin/deliveries/act", outcome="failed", scope="ticked")
    asked = await admin.send(form, ("tick", str(first.id)), ("tick", str(second.id)), act="discard")
    assert "2 deliveries are given up for good." in asked.words
    done = await confirmed(admin, asked)
    assert "Discarded 2" in done.words
    assert [d.id for d in await world.deliveries(outcomes=(Outcome.DISCARDED,))] == [
        first.id,
        second.id,
    ]
    nothing = await admin.send(form, act="discard")
    assert "Nothing was ticked." in nothing.words
    assert [f for f in nothing.forms if f.action.endswith("begin")] == []


@pytest.mark.long
async def test_all_that_match_are_those_of_the_filter(world: World, admin: Visitor) -> None:
    await an_outage(world)
    owed, *_ = await world.deliveries(outcomes=(Outcome.FAILED,))
    page = await admin.get(f"/admin/deliveries?customer={owed.customer_id}&outcome=failed")
    assert "The 1 that matches" in page.words
    form = page.form("/admin/deliveries/act", customer=str(owed.customer_id))
    asked = await admin.send(form, act="discard", scope="matching")
    assert "1 delivery is given up for good." in asked.words
    await confirmed(admin, asked)
    assert len(await world.deliveries(outcomes=(Outcome.FAILED,))) == 2
    done = await world.core.db.read(lambda db: actions.page(db, None, 10))
    assert (done[0].action, done[0].customer_id) == ("discard", owed.customer_id)
    assert done[0].subject.startswith("1: ")


@pytest.mark.long
async def test_what_has_arrived_cannot_be_sent_again(world: World, admin: Visitor) -> None:
    await world.register()
    page = await admin.get("/admin/deliveries?outcome=delivered")
    form = page.form("/admin/deliveries/act", outcome="delivered")
    for act in ("replay", "discard"):
        asked = await admin.send(form, act=act, scope="matching")
        assert "None of these deliveries" in asked.words
        begun = await admin.post(
            "/admin/deliveries/begin",
            {"token": dict(form.fields)["token"], "act": act, "scope": "matching",
             "outcome": "delivered"},
        )  # fmt: skip
        assert begun.status in {409, 422}
        form = page.form("/admin/deliveries/act", outcome="delivered")
    assert {d.outcome for d in await world.deliveries()} == {Outcome.DELIVERED}


async def test_a_run_is_stopped_half_way(world: World, admin: Visitor) -> None:
    await an_outage(world, 12)
    world.sandbox.faults.set("email", Fault("hang", match="RCPT"))
    page = await admin.get("/admin")
    asked = await admin.send(page.form("/admin/deliveries/act"))
    job = await admin.send(asked.form("/admin/deliveries/begin"))
    assert "data-follow" in job.text
    path = re.search(r'data-follow="([^"]+)"', job.text)
    assert path is not None
    told = (await admin.get(path[1])).text
    assert '"total":12' in told
    assert "0 of 12" in (await admin.get("/admin/deliveries")).words  # told on every page
    stopped = await admin.send(job.form(job.url + "/cancel"))
    world.sandbox.faults.clear()
    done = await ended(admin, stopped)
    assert "Stopped. What was not tried stays as it was." in done.words
    left = await world.deliveries(outcomes=(Outcome.FAILED,))
    assert 0 < len(left) < 12


@pytest.mark.long
async def test_pages_of_the_list_hold_every_delivery_once(world: World, admin: Visitor) -> None:
    await an_outage(world, 18)
    seen: list[str] = []
    path = "/admin/deliveries"
    while path:
        page = await admin.get(path)
        seen += re.findall(r'name="tick" value="(\d+)"', page.text)
        found = re.search(r'href="(/admin/deliveries\?[^"]*cursor=[^"]*)"', page.text)
        path = found[1].replace("&amp;", "&") if found else ""
    assert len(seen) == len({*seen}) == 54


@pytest.mark.long
async def test_a_delivery_is_shown_with_its_attempts(world: World, admin: Visitor) -> None:
    await an_outage(world, 1)
    (owed,) = await world.deliveries(outcomes=(Outcome.FAILED,))
    page = await admin.get(f"/admin/deliveries/{owed.id}")
    for text in ("Failed", "Data refused", "550 5.1.1 No such user here", str(owed.customer_id),
                 owed.registration_id or ""):  # fmt: skip
        assert text in page.words
    done = await confirmed(admin, await admin.send(page.form("/admin/deliveries/act")))
    assert "Delivered 1" in done.words


async def test_try_now_says_what_is_wrong_and_releases_what_works(
    world: World, admin: Visitor
) -> None:
    world.sandbox.faults.set("crm", Fault("status", status=401))
    await world.register()
    gate = world.core.deliverer.routes["crm"].circuit
    page = await admin.get("/admin")
    assert "Credentials refused" in page.words
    tried = await admin.send(page.form("/admin/systems/crm/try"))
    assert "HubSpot does not work." in tried.words
    assert gate.cause is not None
    world.sandbox.faults.clear()
    tried = await admin.send(tried.form("/admin/systems/crm/try"))
    assert "HubSpot answers. What waited for it goes on." in tried.words
    assert gate.cause is None
    for system in ("shopify", "smaregi", "email"):
        tried = await admin.send(tried.form(f"/admin/systems/{system}/try"))
        assert "answers. What waited" in tried.words, tried.words
    assert (await admin.post("/admin/systems/fax/try", {"token": ""})).status == 403


FIELDS = (
    *("channel", "outcome", "error_class", "kind", "customer", "registration"),
    *("since", "until", "id", "reason", "sort", "cursor"),
)


async def test_markup_in_a_filter_is_text(admin: Visitor) -> None:
    for name in FIELDS:
        page = await admin.get(f"/admin/deliveries?{name}=%3Cimg%20src=x%20onerror=%22a(1)%22%3E")
        assert page.status == (200 if name == "reason" else 422), name
        assert "<img" not in page.text, name


async def test_what_an_upstream_says_is_text(world: World, admin: Visitor) -> None:
    refusal = {"title": MARKUP, "detail": "</code><script>alert(document)</script>"}
    world.sandbox.faults.set("smaregi", Fault("status", status=400, body=refusal))
    await world.register()
    (owed,) = await world.deliveries(outcomes=(Outcome.RETRYING, Outcome.FAILED))
    assert MARKUP in (owed.reason or "")
    for path in ("/admin", "/admin/deliveries", f"/admin/deliveries/{owed.id}"):
        page = await admin.get(path)
        assert "&lt;img src=x" in page.text
        assert "<img" not in page.text
        assert "<script>" not in page.text


async def test_ids_that_are_none_find_nothing_and_break_nothing(
    world: World, admin: Visitor
) -> None:
    await an_outage(world, 1)
    for text in (TOO_LARGE, "0", "-1", "1e3", "٣", "1;drop", "x" * 5000):
        assert (await admin.get(f"/admin/deliveries/{text}")).status in {404, 400, 414}, text
        assert (await admin.get(f"/admin/jobs/{text}")).status in {404, 400, 414}
        for name in ("id", "customer"):
            page = await admin.get(f"/admin/deliveries?{name}={text}")
            assert page.status in {200, 422, 400}
            assert 'name="tick"' not in page.text
    form = (await admin.get("/admin/deliveries")).form("/admin/deliveries/act", scope="ticked")
    for text in (TOO_LARGE, "-1", MARKUP, "1,2,x"):
        asked = await admin.send(form, ("tick", text), act="discard")
        assert asked.status == 422
        assert "<img" not in asked.text
    for changes in ({"act": "explode"}, {"act": ""}, {"scope": "all", "act": "discard"}):
        assert (await admin.send(form, **changes)).status == 422
    assert len(await world.deliveries(outcomes=(Outcome.FAILED,))) == 1


async def test_a_field_that_cannot_be_read_chooses_nothing(world: World, admin: Visitor) -> None:
    """A typo in a filter must never mean all of them."""
    await an_outage(world, 1)
    fields: dict[str, Any] = {"act": "discard", "scope": "matching", "customer": "everybody"}
    for path in ("act", "begin"):
        token = dict((await admin.get("/admin")).form("/admin/logout").fields)["token"]
        page = await admin.post(f"/admin/deliveries/{path}", {"token": token, **fields})
        assert page.status == 422
    assert len(await world.deliveries(outcomes=(Outcome.FAILED,))) == 1


async def test_how_long_ago_is_told_by_the_databases_clock(
    world: World, staff: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a shared database this machine's own clock may be minutes from everybody's."""
    monkeypatch.setattr(world.core.db, "is_shared", True)
    await an_outage(world, 1)
    world.sandbox.faults.set("crm", Fault("status", status=500))
    assert (await world.register(number=2)).status == 201
    (waiting,) = await world.deliveries(outcomes=(Outcome.RETRYING,))
    assert waiting.next_attempt_at is not None
    minutes = 6 * 60
    monkeypatch.setattr(world.core.live, "clock", lambda: waiting.created_at + minutes)
    assert "the oldest 6 minutes ago" in (await staff.get("/admin")).words
    monkeypatch.setattr(world.core.live, "clock", lambda: waiting.created_at - minutes)
    assert "in 6 minutes" in (await staff.get(f"/admin/deliveries/{waiting.id}")).words
