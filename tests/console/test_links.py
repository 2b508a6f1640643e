"""A link into the console, as an alert has it: where it points, and that it leads there."""

import asyncio
from pathlib import Path

import pytest

from gateway.alerts import notices
from tests.console.visitor import ADMIN, Visitor
from tests.world import a_world


async def test_the_page_that_a_link_named_is_shown_after_signing_in(stranger: Visitor) -> None:
    link = "/admin/deliveries?channel=crm&error_class=invalid_data"
    asked = await stranger.get(link)
    (form,) = [each for each in asked.forms if each.method == "post"]
    wrong = await stranger.send(form, password="not this one")
    (form,) = [each for each in wrong.forms if each.method == "post"]
    assert (await stranger.send(form, password=ADMIN)).url == link
    await stranger.get("/admin/login?back=/admin/flags")
    for foreign in ("//evil.example", "https://evil.example", "/adminx", "/admin/\\evil", "/flags"):
        page = await stranger.get(f"/admin/login?back={foreign}")
        assert page.url == "/admin", foreign


async def test_a_link_in_a_mail_is_opened_by_a_page_of_ours(stranger: Visitor) -> None:
    """The browser sends no Strict cookie with a navigation that another site began."""
    page = await stranger.get("/admin/deliveries?a=%22%3E", **{"Sec-Fetch-Site": "cross-site"})
    assert (page.status, page.url) == (200, "/admin/deliveries?a=%22%3E")
    assert '<meta http-equiv="refresh" content="0; url=/admin/deliveries?a=%22%3E">' in page.text
    assert (await stranger.get(page.url, **{"Sec-Fetch-Site": "same-origin"})).url.startswith(
        "/admin/login?back="
    )


@pytest.mark.parametrize(
    ("settings", "link"),
    [
        (
            {"GATEWAY_PUBLIC_URL": "https://gateway.example.com"},
            "https://gateway.example.com/admin",
        ),
        ({}, "/admin"),
    ],
)
async def test_an_alert_has_the_whole_link_where_it_is_known(
    tmp_path: Path, settings: dict[str, str], link: str
) -> None:
    async with a_world(tmp_path, None, GATEWAY_ADMIN_PASSWORD=ADMIN, **settings) as world:
        world.core.alerts.notice(notices.shop_erased())
        async with asyncio.timeout(10):
            while not world.core.alerts.last:
                await asyncio.sleep(0.01)
        (_, alert), *_ = world.core.alerts.last
        assert alert.told().endswith(f" Console: {link}")
