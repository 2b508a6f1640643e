"""Details of problems: what exactly, and what to do."""

from enum import Enum

from gateway.wording.text import Text

__all__ = ["Detail"]


class Detail(Enum):
    """English, Japanese. What stands in braces is a name or a number of ours."""

    # the request
    SEND_JSON = "Send application/json.", "application/json で送ってください。"
    SEND_REGISTRATION = (
        "Send the registration as application/json.",
        "登録内容を application/json で送ってください。",
    )
    SEND_CHANGES = (
        "Send the changes as application/json.",
        "変更内容を application/json で送ってください。",
    )
    UNCOMPRESSED = "Send the body uncompressed.", "本文は圧縮せずに送ってください。"
    UNREADABLE_BODY = "The body could not be read.", "本文を読み取れませんでした。"
    BODY_NOT_JSON = "The body is not JSON in UTF-8.", "本文がUTF-8のJSONではありません。"
    BODY_NO_OBJECT = (
        "The body should be a JSON object.",
        "本文はJSONオブジェクトにしてください。",
    )
    BODY_TOO_LARGE = "The body should be 64 KiB at most.", "本文は64 KiB以内にしてください。"
    WEBHOOK_TOO_LARGE = (
        "The body should be 256 KiB at most.",
        "本文は256 KiB以内にしてください。",
    )
    BODY_TOO_SLOW = "The body did not arrive in time.", "本文が時間内に届きませんでした。"
    NOT_HTTP = (
        "The request is not proper HTTP.",
        "リクエストが正しいHTTPではありません。",
    )
    NOTHING_HERE = "There is nothing at this address.", "このアドレスには何もありません。"
    OTHER_METHOD = "This address takes another method.", "このアドレスでは別のメソッドを使います。"
    IDEMPOTENCY_KEY = (
        "Idempotency-Key should be 1 to 255 printable ASCII characters.",
        "Idempotency-Key は印字できるASCII文字1～255文字にしてください。",
    )
    CLIENT_ADDRESS = (
        "X-Client-Address should be one IP address, the visitor's own, without a port.",
        "X-Client-Address には訪問者自身のIPアドレスを1つ、ポートなしで指定してください。",
    )
    FIELDS_WRONG = (
        "Some fields are wrong; each is named in errors.",
        "入力内容に誤りがあります。誤りのある項目は errors にあります。",
    )
    MORE_FIELDS_WRONG = (
        "Only {listed} of {all} are listed.",
        "{all}件のうち{listed}件だけを示しています。",
    )
    FILTERS_WRONG = "Some filters are wrong.", "絞り込みの条件に誤りがあります。"
    # who may
    BEARER = (
        "Send Authorization: Bearer KEY with a known key.",
        "有効なキーを Authorization: Bearer KEY で送ってください。",
    )
    LOOPBACK_ONLY = (
        "Without GATEWAY_API_KEYS only a loopback address is answered.",
        "GATEWAY_API_KEYS がない場合、ループバックアドレスにだけ応答します。",
    )
    NO_FOREIGN_PAGE = (
        "Without GATEWAY_API_KEYS no page of another site may call the gateway.",
        "GATEWAY_API_KEYS がない場合、ほかのサイトのページからは呼び出せません。",
    )
    NO_OPERATORS = (
        "Without GATEWAY_OPERATOR_KEYS only commands may see deliveries.",
        "GATEWAY_OPERATOR_KEYS がない場合、配信はコマンドでだけ見られます。",
    )
    NO_DELIVERIES = "This key may not see deliveries.", "このキーでは配信を見られません。"
    NO_METRICS = (
        "Without GATEWAY_METRICS_KEY the metrics are for a loopback address only.",
        "GATEWAY_METRICS_KEY がない場合、メトリクスはループバックアドレスからだけ見られます。",
    )
    VISITOR_TOO_OFTEN = (
        "This visitor sends more requests a second than GATEWAY_RATE_LIMIT allows.",
        "この訪問者のリクエストが GATEWAY_RATE_LIMIT を超えています。",
    )
    KEY_TOO_OFTEN = (
        "This key sends more requests a second than GATEWAY_RATE_LIMIT allows.",
        "このキーのリクエストが GATEWAY_RATE_LIMIT を超えています。",
    )
    TOO_MANY_KEYS = (
        "Too many idempotency keys of this caller are remembered; they end after a day.",
        "この呼び出し元の Idempotency-Key が多すぎます。1日後に消えます。",
    )
    # a registration
    NO_REGISTRATION = (
        "No registration with this id has reached Shopify, or waits for it.",
        "このIDの登録は、Shopifyに届いておらず、待機中でもありません。",
    )
    KEY_REUSED = (
        "This Idempotency-Key came with another body before; use a new key.",
        "この Idempotency-Key は別の内容で使われました。新しいキーを使ってください。",
    )
    KEY_BUSY = (
        "A request with this Idempotency-Key is under way.",
        "この Idempotency-Key のリクエストを処理しています。",
    )
    PERSON_BUSY = (
        "A registration for this e-mail with other data is under way.",
        "このメールアドレスの、別の内容の登録を処理しています。",
    )
    BEING_FINISHED = "This registration is being finished.", "この登録を完了しています。"
    NO_ROOM = (
        "No more registrations can wait than do; nothing was promised. Send the request again.",
        "待機できる登録数の上限に達しました。受け付けていませんので、もう一度送ってください。",
    )
    SIGN_IN = (
        "Shopify has a registered customer with this e-mail: let them sign in.",
        "このメールアドレスのお客様は登録済みです。ログインをご案内ください。",
    )
    NOT_TAKEN = "Shopify does not take these values.", "Shopifyがこの内容を受け付けません。"
    PARTLY_CHANGED = "The other fields were changed.", "ほかの項目は変更されました。"
    UNREADABLE = (
        (
            "The gateway's secret was changed while the registration waited, so its data cannot be "
            "read any more. The customer has to sign up again."
        ),
        (
            "登録の待機中にゲートウェイのシークレットが変わったため、データを読み出せません。"
            "もう一度登録してください。"
        ),
    )
    ANOTHER_SHOP = (
        (
            "The gateway is set to another Shopify shop than before, and does nothing until its "
            "operator runs `shop accept` or puts the settings right. Nothing was sent to any "
            "system."
        ),
        (
            "ゲートウェイが以前と別のShopifyショップに設定されています。運用担当者が "
            "`shop accept` を実行するか設定を直すまで、何も行いません。"
            "どのシステムにも送信していません。"
        ),
    )
    # for forms
    POSTAL_CODE = "This is no Japanese postal code.", "日本の郵便番号ではありません。"
    NO_POSTAL_CODE = (
        "The post knows no such postal code.",
        "この郵便番号は見つかりません。",
    )
    SEND_FIELDS = (
        'Send the fields of a registration, or {"text": "one address line"}, as application/json.',
        '登録の項目か {"text": "住所1行"} を application/json で送ってください。',
    )
    FORMS_TOO_OFTEN = (
        "This key sends more requests of its forms a second than are allowed.",
        "このキーの、フォーム用のリクエストが多すぎます。",
    )
    # a customer
    CUSTOMER_ID = (
        "A Shopify customer id is a number, or gid://shopify/Customer/ and a number.",
        "Shopifyのお客様IDは、数字か gid://shopify/Customer/ に続く数字です。",
    )
    NO_CUSTOMER = (
        "Shopify has no customer with this id.",
        "このIDのお客様はShopifyにいません。",
    )
    EMAIL_TAKEN = (
        "Another customer has this e-mail; nothing was changed.",
        "このメールアドレスはほかのお客様が使用しています。何も変更していません。",
    )
    CUSTOMER_BUSY = (
        "Other changes of this customer are under way. Send the request again.",
        "このお客様の別の変更を処理しています。もう一度送ってください。",
    )
    POINTS_OFF = (
        "FLAG_SMAREGI is off: no points are kept.",
        "FLAG_SMAREGI が off のため、ポイントはありません。",
    )
    NO_MEMBER = (
        "This customer is no member of the store yet.",
        "このお客様はまだ店舗の会員ではありません。",
    )
    SPENDING_OFF = (
        "Points cannot be spent online (FLAG_POINTS_SPEND).",
        "オンラインではポイントを利用できません（FLAG_POINTS_SPEND）。",
    )
    SPENDING_HELD = (
        "Points cannot be spent online at the moment (FLAG_POINTS_SPEND). Nothing is lost.",
        "ただいまオンラインではポイントを利用できません（FLAG_POINTS_SPEND）。何も失われていません。",
    )
    SPENDING_STOPPED = (
        "A person has to look at the points first. Nothing is lost.",
        "担当者がポイントを確認しています。何も失われていません。",
    )
    NO_CODE = (
        "The points could not become a code; they return by themselves.",
        "ポイントの利用手続きができませんでした。ポイントは自動で戻ります。",
    )
    TOO_FEW_POINTS = (
        "The customer has fewer points: as many as balance says.",
        "ポイントが足りません。残高は balance のとおりです。",
    )
    RESERVATION_ACTIVE = (
        "The customer has a reservation already: use the code of reservation_id, or delete it.",
        "利用手続き中のポイントがあります。reservation_id のコードを使うか、削除してください。",
    )
    RESERVATION_USED = (
        "An order has used these points. They return with its cancellation or refund.",
        "このポイントは注文で利用済みです。注文の取り消しや返金のときに戻ります。",
    )
    RESERVED_TOO_OFTEN = (
        "Ten reservations in an hour are the most for one customer.",
        "お客様1人につき、1時間に10回まで利用できます。",
    )
    NO_RESERVATION = (
        "This customer has no reservation with this id.",
        "このお客様には、このIDの利用手続きはありません。",
    )
    NO_SUCH_CARD = "There is no such card.", "その形式の会員証はありません。"
    NO_CARD = (
        "No member number is known for this customer.",
        "このお客様の会員番号はわかりません。",
    )
    NOT_PROVEN = (
        (
            "A store member has this e-mail, and nobody has proven that it is this customer's. "
            'Prove it, then send {"email_verified": true} with a PATCH of the customer; their '
            "first sign-in at Shopify proves it too."
        ),
        (
            "店舗の会員がこのメールアドレスを使用しており、このお客様のものと確認できていません。"
            'メールアドレスを確認したうえで、PATCHで {"email_verified": true} を送ってください。'
            "Shopifyへの初回ログインでも確認できます。"
        ),
    )
    # operators, webhooks, the gateway itself
    NO_DELIVERY = "There is no delivery with this id.", "このIDの配信はありません。"
    NOT_PROVEN_SENDER = (
        "The proof of the sender is missing or wrong.",
        "送信元を確認できません。",
    )
    NOBODYS_WEBHOOK = (
        "{setting} is not set, so nobody can prove to be {name}.",
        "{setting} が設定されていないため、{name}からの送信と確認できません。",
    )
    OTHER_SIDE = (
        "This gateway is set to another side of {name} than before.",
        "このゲートウェイは以前と別の{name}に設定されています。",
    )
    NO_WEBHOOK = "This is no webhook: {reason}.", "Webhookの形式ではありません（{reason}）。"
    CONNECTIONS_FULL = (
        "Too many connections are open. Send the request again.",
        "接続数が上限に達しています。もう一度送ってください。",
    )
    STANDBY = (
        "This gateway stands by: another one is active. Send the request again.",
        "このゲートウェイは待機中で、別のゲートウェイが稼働しています。もう一度送ってください。",
    )
    DATABASE_UNFIT = "The database is not fit: {hint}.", "データベースが使えません（{hint}）。"
    DATABASE_UNUSABLE = (
        "The gateway cannot use its database right now; its log says how to mend it.",
        "ただいまデータベースを使えません。対処方法はゲートウェイのログにあります。",
    )
    DATABASE_FULL = (
        "The gateway cannot write to its database; nothing was promised. Send the request again.",
        "データベースに書き込めません。受け付けていませんので、もう一度送ってください。",
    )
    BROKEN = (
        "An error of the gateway itself; see its log.",
        "ゲートウェイ内部のエラーです。ゲートウェイのログを確認してください。",
    )

    def __init__(self, en: str, ja: str) -> None:
        self.text = Text(en, ja)
