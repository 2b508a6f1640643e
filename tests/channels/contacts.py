"""HubSpot as a test lets it answer, and the channel before it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gateway.channels import Channel, crm
from gateway.channels.crm import CrmSettings
from gateway.store import Database
from tests.channels.works import a_channel
from tests.upstream_answers import Answers, Request, answers, section, wire

__all__ = [
    "CONTACT",
    "CONTACTS",
    "FIND",
    "OURS",
    "PROPERTIES",
    "SETTINGS",
    "conflict",
    "hubspot",
    "of",
]

BASE = "https://api.example.com"
CONTACTS = f"{BASE}/crm/objects/2026-03/contacts"
PROPERTIES = f"{BASE}/crm/properties/2026-03/contacts"
FIND = re.compile(re.escape(CONTACTS) + r"/(?!31$).+")
SETTINGS = section(CrmSettings, hubspot_access_token="pat-0000", hubspot_base_url=BASE)
OURS = [
    "shopify_customer_id",
    "last_name_kana",
    "first_name_kana",
    "date_of_birth",
    "accepts_marketing",
]
CONTACT = {"id": "31", "properties": {}}


@asynccontextmanager
async def hubspot(properties: list[str] | None = None) -> AsyncIterator[tuple[Channel, Answers]]:
    with answers() as said:
        names = OURS if properties is None else properties
        said.say("GET", PROPERTIES, {"results": [{"name": name} for name in names]})
        with TemporaryDirectory() as folder:
            db = Database(Path(folder) / "gateway.db")
            await db.open()
            try:
                async with wire() as sender:
                    yield a_channel(crm.SPEC, sender, SETTINGS, db=db), said
            finally:
                await db.close()  # its thread would keep a test that fails from ending


def of(said: Answers, method: str) -> list[Request]:
    return [r for r in said.sent if r.method == method and "/objects/" in r.url]


def conflict(**more: Any) -> dict[str, Any]:
    return {"status": "error", "category": "CONFLICT", "message": "taro@example.com exists"} | more
