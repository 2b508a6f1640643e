// What a shop would write with Node: fastify, undici and nodemailer, the same five upstream calls as
// the gateway. Nothing is kept, matched, limited or tried again. Takes the gateway's own variables.
import fastify from "fastify";
import nodemailer from "nodemailer";
import { Agent, request } from "undici";

const env = process.env;
const on = (flag) => env[flag] === "on";
const agent = new Agent({ connections: 100 });
const mailer = nodemailer.createTransport({
  host: env.SMTP_HOST,
  port: Number(env.SMTP_PORT),
  pool: true,
  maxConnections: 6,
  maxMessages: Infinity,
  ignoreTLS: true,
});

const SHOPIFY = `${env.SHOPIFY_BASE_URL}/admin/api/2026-10/graphql.json`;
const SMAREGI = `${env.SMAREGI_API_URL}/${env.SMAREGI_CONTRACT_ID}/pos/customers`;
const HUBSPOT = `${env.HUBSPOT_BASE_URL}/crm/objects/2026-03/contacts`;
const CREATE =
  "mutation CustomerCreate($input: CustomerInput!) { customerCreate(input: $input) { customer { id } userErrors { field message } } }";

async function call(method, url, headers, body) {
  const answer = await request(url, { method, headers, body, dispatcher: agent });
  if (answer.statusCode >= 400) {
    await answer.body.dump();
    throw new Error(`HTTP ${answer.statusCode}`);
  }
  return answer.body.json();
}

const json = (headers) => ({ "content-type": "application/json", ...headers });

async function smaregiToken() {
  const pair = Buffer.from(`${env.SMAREGI_CLIENT_ID}:${env.SMAREGI_CLIENT_SECRET}`);
  const headers = {
    authorization: `Basic ${pair.toString("base64")}`,
    "content-type": "application/x-www-form-urlencoded",
  };
  const form = "grant_type=client_credentials&scope=pos.customers:read pos.customers:write";
  const url = `${env.SMAREGI_ID_URL}/app/${env.SMAREGI_CONTRACT_ID}/token`;
  return (await call("POST", url, headers, encodeURI(form))).access_token;
}

const shopifyHeaders = json({ "x-shopify-access-token": env.SHOPIFY_ACCESS_TOKEN });
const hubspotHeaders = json({ authorization: `Bearer ${env.HUBSPOT_ACCESS_TOKEN}` });
const smaregiHeaders = on("FLAG_SMAREGI")
  ? json({ authorization: `Bearer ${await smaregiToken()}` })
  : {};

async function shopify(person) {
  const { address } = person;
  const input = {
    email: person.email,
    firstName: person.first_name,
    lastName: person.last_name,
    phone: `+81${person.phone.replaceAll("-", "").slice(1)}`,
    locale: "ja",
    emailMarketingConsent: { marketingState: "SUBSCRIBED", marketingOptInLevel: "SINGLE_OPT_IN" },
    addresses: [
      {
        countryCode: "JP",
        provinceCode: "JP-13",
        city: address.city,
        address1: address.address1,
        address2: address.address2,
        zip: address.postal_code,
      },
    ],
    metafields: [
      {
        namespace: "custom",
        key: "last_kana",
        type: "single_line_text_field",
        value: person.last_kana,
      },
    ],
  };
  const body = JSON.stringify({ query: CREATE, variables: { input } });
  const made = await call("POST", SHOPIFY, shopifyHeaders, body);
  return made.data.customerCreate.customer.id;
}

async function smaregi(person, number) {
  const found = await call("GET", `${SMAREGI}?customer_code=${number}`, smaregiHeaders);
  if (found.length) return String(found[0].customerId);
  const body = JSON.stringify({
    customerCode: number,
    lastName: person.last_name,
    firstName: person.first_name,
    lastKana: person.last_kana,
    firstKana: person.first_kana,
    mailAddress: person.email,
    phoneNumber: person.phone,
    birthDate: person.birth_date,
    sex: "1",
    mailReceiveFlag: "1",
    postCode: person.address.postal_code,
    address: person.address.city + person.address.address1,
  });
  return String((await call("POST", SMAREGI, smaregiHeaders, body)).customerId);
}

async function crm(person, number) {
  const properties = {
    email: person.email,
    lastname: person.last_name,
    firstname: person.first_name,
    phone: person.phone,
    shopify_customer_id: number,
  };
  const body = JSON.stringify({ properties, associations: [] });
  return (await call("POST", HUBSPOT, hubspotHeaders, body)).id;
}

async function email(person, number) {
  const name = `${person.last_name} ${person.first_name} 様`;
  await mailer.sendMail({
    from: env.EMAIL_FROM,
    to: person.email,
    subject: "ご登録ありがとうございます",
    messageId: `<welcome.${number}@example.com>`,
    text: `${name}\n\nご登録ありがとうございます。\n会員番号: ${number}\n`,
    html: `<html><body><p>${name}</p><p>ご登録ありがとうございます。</p><p>会員番号: ${number}</p></body></html>\n`,
  });
}

const text = { type: "string", maxLength: 255 };
const schema = {
  body: {
    type: "object",
    required: ["email", "last_name", "first_name", "phone", "address"],
    properties: {
      email: { type: "string", format: "email" },
      last_name: text,
      first_name: text,
      last_kana: text,
      first_kana: text,
      phone: text,
      birth_date: { type: "string", format: "date" },
      address: {
        type: "object",
        required: ["postal_code", "city", "address1"],
        properties: { postal_code: text, city: text, address1: text, address2: text },
      },
    },
  },
};

const SKIPPED = { outcome: "skipped" };
const server = fastify({ logger: false });

async function channel(flag, work, delivered) {
  return on(flag) ? delivered(await work()) : SKIPPED;
}

server.post("/v1/registrations", { schema }, async (asked, reply) => {
  const person = asked.body;
  const gid = await shopify(person);
  const number = gid.slice(gid.lastIndexOf("/") + 1);
  const created = (reference) => ({ outcome: "delivered", action: "created", reference });
  const [member, contact, mail] = await Promise.all([
    channel("FLAG_SMAREGI", () => smaregi(person, number), created),
    channel("FLAG_CRM", () => crm(person, number), created),
    channel("FLAG_EMAIL", () => email(person, number), () => ({ outcome: "delivered", action: "sent" })),
  ]);
  reply.code(201);
  return {
    id: number,
    status: "complete",
    shopify_customer_id: gid,
    member_number: number,
    channels: { smaregi: member, crm: contact, email: mail },
  };
});
server.get("/readyz", async () => "ok");

process.on("SIGTERM", () => process.exit(0));
await server.listen({ host: "127.0.0.1", port: Number(env.GATEWAY_PORT), backlog: 1024 });
