// A storefront's sign-up: GET / is the form, POST /sign-up sends it, GET /sign-up/ID says how one
// that waits has gone. The browser never talks to the gateway.

import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { form, page, signUpOf, type Values } from "./form.js";
import { Gateway, type Result } from "./gateway.js";

const LARGEST_FORM = 32 * 1024;

const key = process.env["STOREFRONT_KEY"];
if (!key) throw new Error("set STOREFRONT_KEY to a key of GATEWAY_API_KEYS");
const gateway = new Gateway(process.env["STOREFRONT_GATEWAY"] ?? "http://127.0.0.1:8080", key);

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = new URL(request.url ?? "/", "http://localhost").pathname;
  const waiting = /^\/sign-up\/([0-9a-f]{32})$/.exec(path);
  if (request.method === "GET" && path === "/") {
    send(response, 200, form(randomUUID()));
  } else if (request.method === "POST" && path === "/sign-up") {
    await signUp(request, response);
  } else if (request.method === "GET" && waiting?.[1]) {
    const result = await gateway.look(waiting[1]);
    // If the gateway cannot be asked right now, the sign-up waits all the same.
    const again = { kind: "waiting", id: waiting[1], seconds: 5 } as const;
    show(response, result.kind === "later" ? again : result, {});
  } else {
    send(response, 404, page("ページが見つかりません", ""));
  }
}

async function signUp(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const site = request.headers["sec-fetch-site"];
  const values = await read(request);
  if (values === null || (site !== undefined && site !== "same-origin")) {
    send(response, 400, page("送信できませんでした", `<p><a href="/">もう一度</a></p>`));
    return;
  }
  // Of the form that was sent: a double click, or a second try, is the same request.
  const sent = /^[0-9a-f-]{36}$/.exec(values["key"] ?? "")?.[0] ?? randomUUID();
  // Behind a proxy of your own, take the address that the proxy saw instead.
  const visitor = (request.socket.remoteAddress ?? "").replace(/^::ffff:/, "");
  show(response, await gateway.register(signUpOf(values), sent, visitor), values);
}

function show(response: ServerResponse, result: Result, values: Values): void {
  switch (result.kind) {
    case "registered": {
      const number = result.memberNumber ? `<p>会員番号: <b>${result.memberNumber}</b></p>` : "";
      return send(response, 200, page("ご登録ありがとうございます", number));
    }
    case "waiting": // not "you are registered": it may turn out that they are already
      response.setHeader("Refresh", `${result.seconds}; url=/sign-up/${result.id}`);
      return send(response, 202, page("お申し込みを受け付けました", "<p>登録が終わるまでお待ちください。</p>"));
    case "already-registered":
      return send(response, 409, page("登録済みのメールアドレスです", `<p><a href="/login">ログイン</a></p>`));
    case "wrong": // corrected data is another request: it gets another key
      return send(response, 422, form(randomUUID(), values, result.errors, "入力内容を確かめてください。"));
    case "later":
      response.setHeader("Retry-After", String(result.seconds));
      return send(response, 503, form(values["key"] ?? randomUUID(), values, [], "ただいま混み合っています。少し待ってからもう一度お試しください。"));
    case "given-up":
      return send(response, 503, page("登録できませんでした", `<p><a href="/">もう一度</a></p>`));
    case "unknown":
      return send(response, 404, page("ページが見つかりません", ""));
  }
}

async function read(request: IncomingMessage): Promise<Values | null> {
  let text = "";
  for await (const chunk of request.setEncoding("utf-8")) {
    text += chunk;
    if (text.length > LARGEST_FORM) return null;
  }
  return Object.fromEntries(new URLSearchParams(text));
}

function send(response: ServerResponse, status: number, html: string): void {
  response.writeHead(status, {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  });
  response.end(html);
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : "unknown error");
    if (!response.headersSent) send(response, 500, page("エラーが発生しました", ""));
  });
});
server.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
