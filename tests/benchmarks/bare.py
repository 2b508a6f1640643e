"""The bare handler that the gateway is measured against: the same upstream calls, nothing kept.

No durability, no matching, no retries, no limits, no flags: what somebody would write in an hour.
"""

import asyncio
import base64
import os
import sys
from email.mime.text import MIMEText
from typing import Any

import aiohttp
import aiosmtplib
import orjson
import uvloop
from aiohttp import web

from gateway.shopify.documents import CREATE

ENV = os.environ


class Bare:
    async def start(self, app: web.Application) -> Any:
        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit_per_host=100))
        pair = f"{ENV['SMAREGI_CLIENT_ID']}:{ENV['SMAREGI_CLIENT_SECRET']}".encode()
        async with self.session.post(
            f"{ENV['SMAREGI_ID_URL']}/app/{ENV['SMAREGI_CONTRACT_ID']}/token",
            data={
                "grant_type": "client_credentials",
                "scope": "pos.customers:read pos.customers:write",
            },
            headers={"Authorization": "Basic " + base64.b64encode(pair).decode()},
        ) as response:
            self.token = orjson.loads(await response.read())["access_token"]
        self.idle: list[aiosmtplib.SMTP] = []
        self.slots = asyncio.Semaphore(4)
        yield
        for connection in self.idle:
            connection.close()
        await self.session.close()

    async def call(self, method: str, url: str, headers: dict[str, str], body: Any = None) -> Any:
        data = None if body is None else orjson.dumps(body)
        headers = {**headers, "Content-Type": "application/json"}
        async with self.session.request(method, url, headers=headers, data=data) as response:
            return orjson.loads(await response.read())

    async def shopify(self, form: dict[str, Any]) -> str:
        address = form["address"]
        body = {
            "email": form["email"],
            "firstName": form["first_name"],
            "lastName": form["last_name"],
            "locale": form["locale"],
            "addresses": [
                {
                    "countryCode": "JP",
                    "provinceCode": "JP-13",
                    "zip": address["postal_code"],
                    "city": address["city"],
                    "address1": address["address1"],
                    "address2": address["address2"],
                }
            ],
            "metafields": [
                {
                    "namespace": "registration",
                    "key": key,
                    "type": "single_line_text_field",
                    "value": form[key],
                }
                for key in ("last_kana", "first_kana", "gender", "locale")
            ],
        }
        answer = await self.call(
            "POST",
            f"{ENV['SHOPIFY_BASE_URL']}/admin/api/2026-10/graphql.json",
            {"X-Shopify-Access-Token": ENV["SHOPIFY_ACCESS_TOKEN"]},
            {"query": CREATE.text, "variables": {"input": body}},
        )
        customer_id: str = answer["data"]["customerCreate"]["customer"]["id"]
        return customer_id.rpartition("/")[2]

    async def smaregi(self, form: dict[str, Any], number: str) -> Any:
        url = f"{ENV['SMAREGI_API_URL']}/{ENV['SMAREGI_CONTRACT_ID']}/pos/customers"
        headers = {"Authorization": f"Bearer {self.token}"}
        await self.call("GET", f"{url}?customer_code={number}", headers)
        member = {
            "customerCode": number,
            "lastName": form["last_name"],
            "firstName": form["first_name"],
            "lastKana": form["last_kana"],
            "firstKana": form["first_kana"],
            "mailAddress": form["email"],
            "sex": "1",
            "birthDate": form["birth_date"],
            "mailReceiveFlag": "1",
        }
        return await self.call("POST", url, headers, member)

    async def crm(self, form: dict[str, Any], number: str) -> Any:
        return await self.call(
            "POST",
            f"{ENV['HUBSPOT_BASE_URL']}/crm/objects/2026-03/contacts",
            {"Authorization": f"Bearer {ENV['HUBSPOT_ACCESS_TOKEN']}"},
            {
                "properties": {
                    "email": form["email"],
                    "firstname": form["first_name"],
                    "lastname": form["last_name"],
                }
            },
        )

    async def mail(self, form: dict[str, Any], number: str) -> None:
        message = MIMEText(f"{form['last_name']} 様\n会員番号: {number}\n", "plain", "utf-8")
        message["Subject"], message["To"] = "welcome", form["email"]
        message["From"] = ENV["EMAIL_FROM"]
        async with self.slots:
            if self.idle:
                connection = self.idle.pop()
            else:
                connection = aiosmtplib.SMTP(
                    hostname=ENV["SMTP_HOST"], port=int(ENV["SMTP_PORT"]), start_tls=False
                )
                await connection.connect()
            await connection.sendmail(ENV["EMAIL_FROM"], [form["email"]], message.as_bytes())
            self.idle.append(connection)

    async def register(self, request: web.Request) -> web.Response:
        form = orjson.loads(await request.read())
        number = await self.shopify(form)
        await asyncio.gather(
            self.smaregi(form, number), self.crm(form, number), self.mail(form, number)
        )
        return web.Response(
            status=201, body=orjson.dumps({"id": number}), content_type="application/json"
        )


def main() -> None:
    bare = Bare()
    app = web.Application()
    app.cleanup_ctx.append(bare.start)
    app.add_routes([web.post("/v1/registrations", bare.register)])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(web._run_app(app, port=int(sys.argv[1]), print=None, access_log=None))


if __name__ == "__main__":
    main()
