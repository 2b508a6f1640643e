"""A person in the console: found by what they say, masked until asked why, compared, sent again."""

import logging

import pytest

from gateway.console.pages.people import masked
from gateway.outcomes import Kind, Outcome
from gateway.sandbox import Fault
from gateway.store import actions, erasure
from tests.console.test_deliveries import MARKUP, TOO_LARGE
from tests.console.visitor import Page, Visitor
from tests.duplicates.mending import customer_of, store_member
from tests.e2e.evidence import personal_data_in
from tests.world import World


async def looked_up(visitor: Visitor, kind: str, text: str) -> Page:
    form = (await visitor.get("/admin/people")).form("/admin/people/find")
    return await visitor.send(form, kind=kind, text=text)


async def shown(visitor: Visitor, page: Page, why: str = "she called about her card") -> Page:
    reveal = next(form for form in page.forms if form.action.endswith("/reveal"))
    return await visitor.send(reveal, why=why)


async def test_a_person_is_found_by_whatever_they_say(world: World, staff: Visitor) -> None:
    member = store_member(world, customerCode="0012345")
    customer = customer_of(await world.register())
    await world.settled()
    await world.core.smaregi.members_fresh()
    for kind, text in (
        ("email", "taro@example.com"),
        ("email", "TARO@Example.com"),
        ("phone", "090-1234-5678"),
        ("number", str(customer)),
        ("number", "0012345"),
        ("shopify_id", f"gid://shopify/Customer/{customer}"),
    ):
        page = await looked_up(staff, kind, text)
        assert page.url == f"/admin/people/{customer}", (kind, text, page.words)
        assert f"会員番号 {customer}</title>" in page.text, "the card, as a till reads it"
    log = await world.core.db.read(lambda db: actions.page(db, None, 10))
    assert {(each.action, each.customer_id) for each in log} == {
        ("find_person", customer),
        ("sign_in", None),
    }
    assert member


@pytest.mark.long
async def test_who_is_in_the_store_only_is_found_too(world: World, staff: Visitor) -> None:
    member = store_member(world, customerCode="S-1", mobileNumber="080-1111-2222")
    await world.core.smaregi.members_fresh()
    page = await looked_up(staff, "number", "S-1")
    assert f"Member {member} : in the store only" in page.words.replace(f"{member}:", f"{member} :")
    await world.core.smaregi.index.start_scan(again=True)
    page = await looked_up(staff, "phone", "08011112222")
    assert f"Member {member}" in page.words
    assert "Nobody." in (await looked_up(staff, "email", "nobody@example.com")).words


async def test_values_are_masked_until_somebody_says_why(
    world: World, staff: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    customer = customer_of(await world.register())
    page = await staff.get(f"/admin/people/{customer}")
    assert personal_data_in(page.text) == []
    assert "t•••@•••" in page.words
    page = await shown(staff, page, "x")
    assert (page.status, personal_data_in(page.text)) == (422, [])
    full = await shown(staff, page, "taro@example.com asked, 090-1234-5678")
    for text in ("taro@example.com", "山田 太郎", "ヤマダ タロウ", "1990-04-01", "150-0043"):
        assert text in full.words
    assert personal_data_in((await staff.get(f"/admin/people/{customer}")).text) == []
    log = await world.core.db.read(lambda db: actions.page(db, None, 1))
    assert (log[0].action, log[0].customer_id) == ("reveal", customer)
    assert log[0].actor.startswith("staff-")
    assert log[0].why == "… asked, …"
    assert personal_data_in(caplog.text) == []


@pytest.mark.long
async def test_what_differs_is_marked(world: World, staff: Visitor) -> None:
    reply = await world.register()
    customer = customer_of(reply)
    member = int(reply.channel("smaregi")["reference"])
    page = await staff.get(f"/admin/people/{customer}")
    assert "Different" not in page.words
    assert "different" not in page.words
    world.sandbox.smaregi.edit(member, mailAddress="other@example.com")
    page = await staff.get(f"/admin/people/{customer}")
    assert page.words.count("different") == 1
    assert "o•••@•••" in page.words


@pytest.mark.long
async def test_a_system_that_cannot_be_read_hides_no_other(world: World, staff: Visitor) -> None:
    customer = customer_of(await world.register())
    world.sandbox.faults.set("crm", Fault("status", status=503))
    world.sandbox.faults.set("smaregi", Fault("reset"))
    page = await staff.get(f"/admin/people/{customer}")
    assert "Not available" in page.words
    assert "No connection" in page.words
    assert "t•••@•••" in page.words
    world.sandbox.faults.set("shopify", Fault("reset"))
    assert (await staff.get(f"/admin/people/{customer}")).status == 409
    found = await looked_up(staff, "email", "taro@example.com")
    assert "Shopify could not be asked now." in found.words


@pytest.mark.long
async def test_a_record_that_is_gone_is_said_to_be(world: World, staff: Visitor) -> None:
    reply = await world.register()
    del world.sandbox.smaregi.members[int(reply.channel("smaregi")["reference"])]
    page = await staff.get(f"/admin/people/{customer_of(reply)}")
    assert "Gone" in page.words


async def test_the_welcome_mail_is_sent_again(world: World, staff: Visitor) -> None:
    customer = customer_of(await world.register())
    page = await staff.get(f"/admin/people/{customer}")
    mail = next(f for f in page.forms if ("channel", "email") in f.fields)
    sent = await staff.send(mail)
    assert sent.url.startswith("/admin/deliveries/")
    await world.until(lambda: len(world.sandbox.mail.messages) == 2)
    await world.settled()
    (again,) = await world.deliveries(channels=("email",), kinds=(Kind.BACKFILL,))
    assert again.outcome is Outcome.DELIVERED
    assert (await staff.send(mail)).status == 409  # once
    assert len(world.sandbox.mail.messages) == 2


async def test_whoever_is_erased_is_out_of_the_log_too(world: World, staff: Visitor) -> None:
    customer = customer_of(await world.register())
    await shown(staff, await staff.get(f"/admin/people/{customer}"))
    await world.core.db.write(lambda db: erasure.wipe(db, customer))
    log = await world.core.db.read(lambda db: actions.page(db, None, 10))
    assert [(each.action, each.customer_id, each.why) for each in log] == [
        ("reveal", None, ""),
        ("sign_in", None, ""),
    ]


@pytest.mark.long
async def test_nothing_is_sent_behind_a_flags_back(world: World, staff: Visitor) -> None:
    customer = customer_of(await world.register())
    page = await staff.get(f"/admin/people/{customer}")
    world.set(FLAG_CRM="off")
    crm = next(f for f in page.forms if ("channel", "crm") in f.fields)
    refused = await staff.send(crm)
    assert (refused.status, "FLAG_CRM is not `on`" in refused.words) == (409, True)
    assert len(await world.deliveries()) == 3


async def test_a_person_named_in_markup_is_text(world: World, staff: Visitor) -> None:
    reply = await world.register()
    customer = customer_of(reply)
    world.sandbox.smaregi.edit(int(reply.channel("smaregi")["reference"]), lastName=MARKUP)
    world.sandbox.shopify.edit_customer(customer, lastName=MARKUP)
    page = await staff.get(f"/admin/people/{customer}")
    full = await shown(staff, page)
    assert "&lt;img src=x" in full.text
    assert "<img" not in page.text + full.text
    again = await shown(staff, await staff.get(f"/admin/people/{customer}"), MARKUP)
    assert "<img" not in again.text


async def test_what_cannot_be_looked_for_is_refused(world: World, staff: Visitor) -> None:
    for path in (TOO_LARGE, "0", "x", "٣", "-1"):
        assert (await staff.get(f"/admin/people/{path}")).status == 404, path
    for kind, text in (("email", ""), ("email", "a" * 300), ("fax", "1"), ("phone", "\x00")):
        page = await looked_up(staff, kind, text)
        assert page.status == 422, (kind, text)
    for kind, text in (
        ("number", MARKUP),
        ("phone", MARKUP),
        ("shopify_id", TOO_LARGE),
        ("email", MARKUP),
        ("number", "9" * 20),
    ):
        page = await looked_up(staff, kind, text)
        assert (page.status, "<img" in page.text) == (200, False), (kind, page.words)
        assert "Nobody." in page.words


def test_a_mask_shows_no_more_than_the_beginning() -> None:
    assert [masked(text) for text in ("taro@example.com", "山田 太郎", "", "yes", "@x", "a")] == [
        "t•••@•••",
        "山•••",
        "",
        "yes",
        "•••@•••",
        "a•••",
    ]
