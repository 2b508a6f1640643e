// The pages: a sign-up form and what follows it. Every text is escaped.

import type { FieldError, SignUp } from "./gateway.js";

export type Values = Record<string, string>;

const FIELDS = [
  { name: "email", label: "メールアドレス", type: "email", autocomplete: "email", required: true },
  { name: "last_name", label: "姓", type: "text", autocomplete: "family-name", required: true },
  { name: "first_name", label: "名", type: "text", autocomplete: "given-name", required: true },
  { name: "last_kana", label: "セイ", type: "text" },
  { name: "first_kana", label: "メイ", type: "text" },
  { name: "phone", label: "電話番号", type: "tel", autocomplete: "tel" },
  { name: "birth_date", label: "生年月日", type: "date", autocomplete: "bday" },
  { name: "address.postal_code", label: "郵便番号", type: "text", autocomplete: "postal-code" },
  { name: "address.prefecture", label: "都道府県", type: "text", autocomplete: "address-level1" },
  { name: "address.city", label: "市区町村", type: "text", autocomplete: "address-level2" },
  { name: "address.address1", label: "番地", type: "text", autocomplete: "address-line1" },
  { name: "address.address2", label: "建物名・部屋番号", type: "text", autocomplete: "address-line2" },
] as const;

// A code that the gateway adds some day is an error here, at the next `npm run build`.
const MESSAGES: Record<FieldError["code"], string> = {
  required: "入力してください。",
  too_long: "長すぎます。",
  too_short: "短すぎます。",
  format: "書き方を確かめてください。",
  wrong_type: "書き方を確かめてください。",
  unknown_field: "この項目は使えません。",
  unknown_value: "選べない値です。",
  out_of_range: "日付を確かめてください。",
  not_allowed: "使えない文字が含まれています。",
  taken: "すでに使われています。",
  refused: "この値は登録できません。",
};

export function signUpOf(values: Values): SignUp {
  const text = (name: string): string | undefined => values[name]?.trim() || undefined;
  return {
    email: values["email"] ?? "",
    last_name: values["last_name"] ?? "",
    first_name: values["first_name"] ?? "",
    last_kana: text("last_kana"),
    first_kana: text("first_kana"),
    phone: text("phone"),
    birth_date: text("birth_date"),
    address: {
      postal_code: text("address.postal_code"),
      prefecture: text("address.prefecture"),
      city: text("address.city"),
      address1: text("address.address1"),
      address2: text("address.address2"),
    },
    accepts_marketing: values["accepts_marketing"] === "on",
    locale: "ja",
  };
}

export function form(key: string, values: Values = {}, errors: FieldError[] = [], note = ""): string {
  const known = new Set<string>(FIELDS.map((field) => field.name));
  const others = errors.filter((error) => !known.has(error.field));
  const lines = FIELDS.map((field) => {
    const error = errors.find((each) => each.field === field.name);
    const id = field.name.replace(".", "-");
    const wrong = error ? ` aria-invalid="true" aria-describedby="${id}-error"` : "";
    const complete = "autocomplete" in field ? ` autocomplete="${field.autocomplete}"` : "";
    const must = "required" in field ? " required" : "";
    return `<p><label for="${id}">${field.label}</label>
<input id="${id}" name="${field.name}" type="${field.type}" value="${escape(values[field.name] ?? "")}"${must}${complete}${wrong}>
${error ? `<strong id="${id}-error" class="error">${MESSAGES[error.code]}</strong>` : ""}</p>`;
  });
  const ticked = values["accepts_marketing"] === "on" ? " checked" : "";
  return page(
    "会員登録",
    `${note ? `<p role="alert" class="error">${escape(note)}</p>` : ""}
${others.map((error) => `<p class="error">${escape(error.field)}: ${MESSAGES[error.code]}</p>`).join("")}
<form method="post" action="/sign-up" novalidate>
<input type="hidden" name="key" value="${escape(key)}">
${lines.join("\n")}
<p><label><input type="checkbox" name="accepts_marketing"${ticked}> お知らせメールを受け取る</label></p>
<p><button>登録する</button></p>
</form>`,
  );
}

export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="ja"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>body{font:1rem/1.6 system-ui,sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem}
label{display:block}input:not([type=checkbox]){width:100%;box-sizing:border-box;font:inherit;padding:.4rem}
.error{color:#b00020}button{font:inherit;padding:.6rem 2rem}</style></head>
<body><h1>${escape(title)}</h1>
${body}
</body></html>`;
}

export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
