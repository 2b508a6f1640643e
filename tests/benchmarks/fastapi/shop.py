"""What a shop would write with FastAPI: httpx and aiosmtplib, the same five upstream calls as the
gateway. Nothing is kept, matched, limited or tried again. Takes the gateway's own variables.
"""

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from typing import Any

import aiosmtplib
import httpx
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, EmailStr

E = os.environ
SHOPIFY = f"{E['SHOPIFY_BASE_URL']}/admin/api/2026-10/graphql.json"
SMAREGI = f"{E['SMAREGI_API_URL']}/{E['SMAREGI_CONTRACT_ID']}/pos/customers"
HUBSPOT = f"{E['HUBSPOT_BASE_URL']}/crm/objects/2026-03/contacts"
CREATE = (
    "mutation CustomerCreate($input: CustomerInput!) { customerCreate(input: $input) "
    "{ customer { id } userErrors { field message } } }"
)
SKIPPED = {"outcome": "skipped"}


class Address(BaseModel):
    postal_code: str
    city: str
    address1: str
    address2: str = ""


class Person(BaseModel):
    email: EmailStr
    last_name: str
    first_name: str
    last_kana: str = ""
    first_kana: str = ""
    phone: str
    birth_date: str
    address: Address


class Mailer:
    """Open connections, one mail at a time on each."""

    def __init__(self) -> None:
        self._idle: list[aiosmtplib.SMTP] = []
        self._slots = asyncio.Semaphore(6)

    async def send(self, message: EmailMessage) -> None:
        async with self._slots:
            connection = self._idle.pop() if self._idle else await self._connect()
            await connection.send_message(message)
            self._idle.append(connection)

    async def _connect(self) -> aiosmtplib.SMTP:
        connection = aiosmtplib.SMTP(
            hostname=E["SMTP_HOST"], port=int(E["SMTP_PORT"]), start_tls=False
        )
        await connection.connect()
        return connection


class Shop:
    def __init__(self) -> None:
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
        self.client = httpx.AsyncClient(limits=limits, timeout=httpx.Timeout(8, pool=None))
        self.mailer = Mailer()
        self.smaregi_headers: dict[str, str] = {}

    async def start(self) -> None:
        if E["FLAG_SMAREGI"] != "on":
            return
        pair = f"{E['SMAREGI_CLIENT_ID']}:{E['SMAREGI_CLIENT_SECRET']}".encode()
        answer = await self.client.post(
            f"{E['SMAREGI_ID_URL']}/app/{E['SMAREGI_CONTRACT_ID']}/token",
            headers={"Authorization": "Basic " + base64.b64encode(pair).decode()},
            data={"grant_type": "client_credentials", "scope": "pos.customers:write"},
        )
        self.smaregi_headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    async def call(self, method: str, url: str, headers: dict[str, str], body: Any = None) -> Any:
        answer = await self.client.request(method, url, headers=headers, json=body)
        return answer.raise_for_status().json()

    async def shopify(self, person: Person) -> str:
        address = person.address
        told = {
            "email": person.email,
            "firstName": person.first_name,
            "lastName": person.last_name,
            "phone": "+81" + person.phone.replace("-", "")[1:],
            "locale": "ja",
            "emailMarketingConsent": {
                "marketingState": "SUBSCRIBED",
                "marketingOptInLevel": "SINGLE_OPT_IN",
            },
            "addresses": [
                {
                    "countryCode": "JP",
                    "provinceCode": "JP-13",
                    "city": address.city,
                    "address1": address.address1,
                    "address2": address.address2,
                    "zip": address.postal_code,
                }
            ],
            "metafields": [
                {
                    "namespace": "custom",
                    "key": "last_kana",
                    "type": "single_line_text_field",
                    "value": person.last_kana,
                }
            ],
        }
        headers = {"X-Shopify-Access-Token": E["SHOPIFY_ACCESS_TOKEN"]}
        body = {"query": CREATE, "variables": {"input": told}}
        made = await self.call("POST", SHOPIFY, headers, body)
        return str(made["data"]["customerCreate"]["customer"]["id"])

    async def smaregi(self, person: Person, number: str) -> dict[str, str]:
        found = await self.call("GET", f"{SMAREGI}?customer_code={number}", self.smaregi_headers)
        if found:
            return created(found[0]["customerId"])
        told = {
            "customerCode": number,
            "lastName": person.last_name,
            "firstName": person.first_name,
            "lastKana": person.last_kana,
            "firstKana": person.first_kana,
            "mailAddress": person.email,
            "phoneNumber": person.phone,
            "birthDate": person.birth_date,
            "sex": "1",
            "mailReceiveFlag": "1",
            "postCode": person.address.postal_code,
            "address": person.address.city + person.address.address1,
        }
        made = await self.call("POST", SMAREGI, self.smaregi_headers, told)
        return created(made["customerId"])

    async def crm(self, person: Person, number: str) -> dict[str, str]:
        properties = {
            "email": person.email,
            "lastname": person.last_name,
            "firstname": person.first_name,
            "phone": person.phone,
            "shopify_customer_id": number,
        }
        headers = {"Authorization": f"Bearer {E['HUBSPOT_ACCESS_TOKEN']}"}
        body = {"properties": properties, "associations": []}
        return created((await self.call("POST", HUBSPOT, headers, body))["id"])

    async def email(self, person: Person, number: str) -> dict[str, str]:
        name = f"{person.last_name} {person.first_name} 様"
        message = EmailMessage()
        message["From"] = E["EMAIL_FROM"]
        message["To"] = person.email
        message["Subject"] = "ご登録ありがとうございます"
        message["Message-ID"] = f"<welcome.{number}@example.com>"
        message.set_content(f"{name}\n\nご登録ありがとうございます。\n会員番号: {number}\n")
        message.add_alternative(
            f"<html><body><p>{name}</p><p>ご登録ありがとうございます。</p>"
            f"<p>会員番号: {number}</p></body></html>\n",
            subtype="html",
        )
        await self.mailer.send(message)
        return {"outcome": "delivered", "action": "sent"}


def created(reference: object) -> dict[str, str]:
    return {"outcome": "delivered", "action": "created", "reference": str(reference)}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.shop = Shop()
    await app.state.shop.start()
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/readyz")
async def ready() -> str:
    return "ok"


@app.post("/v1/registrations", status_code=201)
async def register(person: Person) -> dict[str, Any]:
    shop: Shop = app.state.shop
    gid = await shop.shopify(person)
    number = gid.rsplit("/", 1)[1]

    async def channel(flag: str, send: Any) -> dict[str, str]:
        return await send(person, number) if E[flag] == "on" else SKIPPED

    smaregi, crm, email = await asyncio.gather(
        channel("FLAG_SMAREGI", shop.smaregi),
        channel("FLAG_CRM", shop.crm),
        channel("FLAG_EMAIL", shop.email),
    )
    return {
        "id": number,
        "status": "complete",
        "shopify_customer_id": gid,
        "member_number": number,
        "channels": {"smaregi": smaregi, "crm": crm, "email": email},
    }


if __name__ == "__main__":
    port = int(E["GATEWAY_PORT"])
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning")
