"""The bare handler that the gateway is measured against: the same upstream calls, nothing kept.

It reads the same form, sends the same requests with the same bodies and reads the same answers,
over plain aiohttp and aiosmtplib. It has no durability, no matching, no idempotency, no retries,
no limits, no flags, no metrics: a lost process or a lost answer loses or doubles a customer.
"""

import asyncio
import base64
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode

import aiohttp
import aiosmtplib
import orjson
import uvloop
from aiohttp import web

from gateway.channels import Shop
from gateway.channels.crm.hubspot.mapping import contact_properties
from gateway.channels.email.message import Composer, message_id
from gateway.channels.smaregi.columns import INDEX
from gateway.channels.smaregi.mapping import member_fields
from gateway.customer import Customer, Profile
from gateway.http.forms.registration import RegistrationForm, parse_json, read_form
from gateway.matching.index import APART
from gateway.matching.shared_run import SharedRun
from gateway.normalize import load_places, parse_mailbox, smtp_address
from gateway.registration.intent import new_id
from gateway.shopify.documents import CREATE
from gateway.shopify.mapping import customer_input, to_customer

ENV = os.environ
_TOKYO = timezone(timedelta(hours=9))
STORE = Shop("https://sandbox.myshopify.com", "sandbox.myshopify.com")


class Bare:
    """`lists`: it also asks Smaregi for what changed, as whoever matches by e-mail has to. `each`
    sign-up for itself, or `shared` as often and among as many as the gateway shares one.
    """

    def __init__(self, lists: str) -> None:
        self.lists = lists
        self.changed = SharedRun(self._changed, APART)

    async def start(self, _: web.Application) -> AsyncIterator[None]:
        load_places()
        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit_per_host=100))
        self.token = await self._smaregi_token()
        self.composer = Composer(parse_mailbox(ENV["EMAIL_FROM"]), None, STORE)
        self.idle: list[aiosmtplib.SMTP] = []
        self.slots = asyncio.Semaphore(4)
        yield
        for connection in self.idle:
            connection.close()
        await self.session.close()

    async def _smaregi_token(self) -> str:
        pair = f"{ENV['SMAREGI_CLIENT_ID']}:{ENV['SMAREGI_CLIENT_SECRET']}".encode()
        async with self.session.post(
            f"{ENV['SMAREGI_ID_URL']}/app/{ENV['SMAREGI_CONTRACT_ID']}/token",
            data={
                "grant_type": "client_credentials",
                "scope": "pos.customers:read pos.customers:write",
            },
            headers={"Authorization": "Basic " + base64.b64encode(pair).decode()},
        ) as response:
            token: str = orjson.loads(await response.read())["access_token"]
            return token

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Any:
        data = None if body is None else orjson.dumps(body)
        headers = {**headers, "Content-Type": "application/json"}
        async with self.session.request(method, url, headers=headers, data=data) as response:
            return orjson.loads(await response.read())

    async def shopify(self, profile: Profile) -> Customer:
        body = customer_input(profile, new_id(time.time()))
        answer = await self.call(
            "POST",
            f"{ENV['SHOPIFY_BASE_URL']}/admin/api/2026-10/graphql.json",
            {"X-Shopify-Access-Token": ENV["SHOPIFY_ACCESS_TOKEN"]},
            {"query": CREATE.text, "variables": {"input": body}},
        )
        return to_customer(answer["data"]["customerCreate"]["customer"])

    async def smaregi(self, customer: Customer) -> Any:
        url = f"{ENV['SMAREGI_API_URL']}/{ENV['SMAREGI_CONTRACT_ID']}/pos/customers"
        headers = {"Authorization": f"Bearer {self.token}"}
        look = self.call("GET", f"{url}?customer_code={customer.id}", headers, None)
        if self.lists == "shared":
            await asyncio.gather(look, asyncio.shield(self.changed.join()))
        elif self.lists == "each":
            await asyncio.gather(look, self._changed())
        else:
            await look
        return await self.call("POST", url, headers, member_fields(customer)[0])

    async def _changed(self) -> None:
        url = f"{ENV['SMAREGI_API_URL']}/{ENV['SMAREGI_CONTRACT_ID']}/pos/customers"
        since = datetime.fromtimestamp(time.time() - 2, _TOKYO).isoformat(timespec="seconds")
        query = {
            "customer_id-from": "1",
            "sort": "customerId",
            "limit": "1000",
            "fields": ",".join(INDEX),
            "upd_date_time-from": since,
        }
        headers = {"Authorization": f"Bearer {self.token}"}
        await self.call("GET", f"{url}?{urlencode(query)}", headers, None)

    async def crm(self, customer: Customer) -> Any:
        return await self.call(
            "POST",
            f"{ENV['HUBSPOT_BASE_URL']}/crm/objects/2026-03/contacts",
            {"Authorization": f"Bearer {ENV['HUBSPOT_ACCESS_TOKEN']}"},
            {
                "properties": {
                    name: value
                    for name, value in contact_properties(customer).items()
                    if name not in {"shopify_customer_id", "last_name_kana", "first_name_kana"}
                    and name != "date_of_birth"
                },
                "associations": [],
            },
        )

    async def mail(self, customer: Customer) -> None:
        sender = parse_mailbox(ENV["EMAIL_FROM"])
        reference = message_id(customer.id, sender, STORE)
        recipient = smtp_address(customer.profile.email)
        message = self.composer.compose(
            customer.profile, recipient, str(customer.id), reference, time.time()
        )
        async with self.slots:
            if self.idle:
                connection = self.idle.pop()
            else:
                connection = aiosmtplib.SMTP(
                    hostname=ENV["SMTP_HOST"], port=int(ENV["SMTP_PORT"]), start_tls=False
                )
                await connection.connect()
            await connection.sendmail(sender.address, [recipient], message)
            self.idle.append(connection)

    async def register(self, request: web.Request) -> web.Response:
        profile = read_form(parse_json(await request.read()), RegistrationForm).profile()
        customer = await self.shopify(profile)
        await asyncio.gather(self.smaregi(customer), self.crm(customer), self.mail(customer))
        body = orjson.dumps({"id": customer.id})
        return web.Response(status=201, body=body, content_type="application/json")


def main() -> None:
    bare = Bare(sys.argv[2])
    app = web.Application()
    app.cleanup_ctx.append(bare.start)
    app.add_routes([web.post("/v1/registrations", bare.register)])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(web._run_app(app, port=int(sys.argv[1]), print=None, access_log=None))


if __name__ == "__main__":
    main()
