"""What an upstream says moves no cursor, forges no line of the log and turns none round."""

import asyncio
import logging
import sqlite3

import aiohttp
import pytest

from gateway.cli.client import Client
from gateway.errors import ErrorClass, UpstreamError, plain, plain_json
from gateway.http.owning import control_site
from gateway.shopify import documents
from gateway.shopify.refusals import refused_by
from gateway.telemetry.logs import log_to_stderr
from tests.world import World

NASTY = (
    "shop\x1b[2J\x1b]0;title\x07 \u202egnp.exe\u2066\u200b\r\nERROR forged\u2028line\x9b31m\ud800"
)
HARMFUL = [c for c in NASTY if not c.isprintable()]


def test_nothing_an_upstream_says_moves_a_cursor_or_turns_a_line_round() -> None:
    error = UpstreamError("crm", "create", ErrorClass.UNEXPECTED, NASTY)
    for text in (plain(NASTY), str(error), str(plain_json({"a": [NASTY], NASTY: 1}))):
        assert not [c for c in HARMFUL if c in text]
    assert plain("山田\u3000太郎 é🍣") == "山田\u3000太郎 é🍣"


@pytest.mark.usefixtures("log_as_before")
@pytest.mark.parametrize("form", ["text", "json"])
def test_no_line_of_the_log_holds_what_was_not_cleaned(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    log_to_stderr("INFO", form)
    logging.getLogger("gateway").warning("HubSpot says: %s", NASTY)
    try:
        raise ValueError(NASTY)  # noqa: TRY301
    except ValueError:
        logging.getLogger("gateway").exception("broke")
    told = capsys.readouterr().err
    assert not [c for c in HARMFUL if c in told and c != "\n"]
    assert sum("ERROR forged" in line for line in told.splitlines()) == 2
    assert not [line for line in told.splitlines() if line.startswith("ERROR")]


async def test_what_a_command_hears_from_the_owner_is_cleaned(world: World) -> None:
    reply = await world.register()

    def nasty(db: sqlite3.Connection) -> None:
        db.execute("UPDATE deliveries SET message = ?", (NASTY.replace("\ud800", ""),))

    await world.core.db.write(nasty)
    path = world.file
    async with control_site(world.core, path, asyncio.Event(), lambda: False):
        connector = aiohttp.UnixConnector(f"{path}.sock")
        async with aiohttp.ClientSession(connector=connector) as session:
            listed = await Client(session).get("/v1/deliveries")
    assert reply.status == 201
    assert len(listed["deliveries"]) == 3
    assert not [c for c in HARMFUL if c in str(listed)]


def test_shopifys_own_words_reach_neither_a_storefront_nor_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    payload = {"userErrors": [{"field": ["input", NASTY], "message": NASTY}]}
    refused = refused_by(payload, documents.CREATE, {})
    assert refused is not None
    told = str([each.row() for each in refused.errors])
    assert not [c for c in HARMFUL if c in told + "".join(caplog.messages)]
