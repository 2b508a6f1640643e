"""Smaregi's platform API: tokens, members, points, transactions, stores, and the webhook
`pos:customers`.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from gateway.sandbox.call import Call, Description, Kind, NotJsonError, StandInAnswer
from gateway.sandbox.limits import Window
from gateway.sandbox.naming import named
from gateway.sandbox.options import SmaregiOptions
from gateway.sandbox.smaregi.fields import ALWAYS, COLUMNS, RULES, Member, blank, refusal
from gateway.sandbox.smaregi.members import Members, iso
from gateway.sandbox.smaregi.points import PointsDesk
from gateway.sandbox.smaregi.query import Query, RefusedError, select, understood
from gateway.sandbox.smaregi.stores import a_store, shown_stores
from gateway.sandbox.smaregi.transactions import Transactions
from gateway.sandbox.smaregi.wire import Grants, needed_scope, notice, problem
from gateway.sandbox.webhooks import Webhooks, is_loopback

_WEBHOOK_SECONDS = 3.0
_STAFFS_OWN = ("point", "pointExpireDate", "pointGivingUnitPrice", "pointGivingUnit")
"""What staff may set of a member and the API takes no part in."""


class Smaregi:
    """One contract. Tests change it as staff at the till do: `add`, `edit`, `remove`, `sale`,
    `cancel`. `stores` are their conditions for points, by id.

    `webhook_url` and `webhook_headers` (the custom header is the only proof of the sender) are
    what is set in Smaregi's developer pages; only loopback addresses are ever called. `scopes`
    are those that the app has; a token keeps the ones it was given.
    """

    def __init__(self, options: SmaregiOptions, clock: Callable[[], float] | None = None) -> None:
        self.options = options
        self.members = Members()
        self.webhooks = Webhooks(_WEBHOOK_SECONDS)
        self.webhook_url = options.webhook_url
        self.webhook_headers = dict(options.webhook_headers) or {
            "X-Webhook-Secret": options.webhook_secret
        }
        self.skew = options.skew
        self.required = set(options.required)
        self._clock = clock or time.time
        self._reads = Window(options.reads_per_second, 1.0)
        self._writes = Window(options.writes_per_second, 1.0)
        self.scopes = set(options.scopes)
        self._grants = Grants(options, self._clock, self.scopes)
        self.stores = {"1": a_store()}
        self._points = self._points_desk()

    def _points_desk(self) -> PointsDesk:
        def store(member_id: int, row: Member) -> None:
            self._store(member_id, row, "edited")

        return PointsDesk(self.options, self.members, store, self.now)

    @property
    def peak_reads_per_second(self) -> int:
        return self._reads.peak

    @property
    def peak_writes_per_second(self) -> int:
        return self._writes.peak

    def now(self) -> float:
        """Unix seconds by the system's own clock."""
        return self._clock() + self.skew

    def fill(self, count: int, seed: int = 0) -> range:
        """Adds `count` members (up to a million and more) last changed 40 days ago or earlier."""
        return self.members.fill(count, seed, self.now())

    def add(self, **fields: str) -> int:
        """A member as staff at the till make one; the id. ValueError for what the API refuses."""
        values = {"customerCode": f"M{self.members.next_id:07d}"} | fields
        why = refusal(values, frozenset(), creating=True) or self._taken(values, None)
        if why is not None:
            raise ValueError(why)
        return self._create(values)

    def edit(self, member_id: int, **fields: str | None) -> None:
        """A change made at the till. KeyError, ValueError as `add`; points and the member's own
        rate may be set too.
        """
        own = {name: fields.pop(name) for name in _STAFFS_OWN if name in fields}
        why = refusal(fields, frozenset(), creating=False) or self._taken(fields, member_id)
        if why is not None:
            raise ValueError(why)
        self._store(member_id, self.members[member_id] | fields | own, "edited")

    def remove(self, member_id: int) -> None:
        """Deletes a member, as staff can. KeyError for an unknown one."""
        del self.members[member_id]
        self._notify("deleted", member_id)

    def sale(self, member_id: int, new_point: int = 0, spend_point: int = 0) -> int:
        """A sale at a till, with points given and used; the transaction's id."""
        return self._points.sale(member_id, new_point, spend_point)

    def cancel(self, head_id: int) -> None:
        """Staff cancel a transaction; its points go back. KeyError for an unknown one."""
        self._points.cancel(head_id)

    @property
    def transactions(self) -> Transactions:
        return self._points.transactions

    def expire_tokens(self) -> None:
        """Every token given out is refused from now on (401)."""
        self._grants.clear()

    def reset(self) -> None:
        self.members = Members()
        self._points = self._points_desk()
        self._grants.clear()
        self._reads.reset()
        self._writes.reset()
        self.webhooks.reset()

    def describe(self, call: Call) -> Description:
        full = f"{call.method} /{'/'.join(call.segments)}"
        if call.segments[-1] == "token":
            return Description("POST /token", "token", (full, "POST /token"), named(call))
        path = call.segments[2:]
        short = f"{call.method} /{'/'.join(path)}"
        pattern = "/".join("{id}" if part.isdigit() else part for part in path)
        kind: Kind = "read" if call.method == "GET" else "write"
        return Description(f"{call.method} /{pattern}", kind, (full, short), named(call))

    def throttled(self, call: Call, retry_after: float | None) -> StandInAnswer:
        _ = call
        headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
        return problem(429, "Too Many Requests", "リクエスト回数が上限を超えました", headers)

    def answer(self, call: Call) -> StandInAnswer:
        if call.segments[-1] == "token":
            return self._grants.answer(call)
        window = self._reads if call.method == "GET" else self._writes
        if not window.admit():
            return self.throttled(call, self.options.retry_after)
        refused = self._refused(call)
        return refused if refused is not None else self._route(call)

    def _route(self, call: Call) -> StandInAnswer:
        try:
            _refuse_unknown(call)
            match call.method, call.segments[2:]:
                case "GET", ("customers",):
                    return self._list(understood(call.query, self.now()))
                case "GET", ("customers", "point"):
                    return self._points.shown(_id(call.query.get("customer_id", "")))
                case "GET", ("customers", member_id):
                    return self._get(_id(member_id))
                case "POST", ("customers",):
                    return self._post(call.json_object())
                case "PATCH", ("customers", member_id):
                    return self._patch(_id(member_id), call.json_object())
                case "POST", ("customers", member_id, "point", "add"):
                    return self._points.add(_id(member_id), call.json_object())
                case "GET", ("customer_required_column_setting",):
                    return self._required_columns()
                case "POST", ("transactions",):
                    return self._points.post(call.json_object(), self.stores)
                case "GET", ("transactions",):
                    return StandInAnswer(200, self.transactions.listed(call.query))
                case "GET", ("stores",):
                    return StandInAnswer(200, shown_stores(self.stores, call.query))
        except RefusedError as error:
            return problem(400, "Bad Request", str(error))
        except NotJsonError:
            return problem(400, "Bad Request", "リクエストボディが不正です")
        return problem(404, "Not Found", "リソースが見つかりません")

    def _refused(self, call: Call) -> StandInAnswer | None:
        scopes = self._grants.scopes(call.bearer)
        if scopes is None:
            return problem(401, "Unauthorized", "アクセストークンが無効です")
        if call.segments[:2] != (self.options.contract_id, "pos"):
            return problem(404, "Not Found", "リソースが見つかりません")
        if needed_scope(call) not in scopes:
            return problem(403, "Forbidden", "スコープが不足しています")
        return None

    def _list(self, query: Query) -> StandInAnswer:
        rows = []
        for member_id, row in select(self.members, query):
            rows.append(self._shown(member_id, row, query.columns))
        return StandInAnswer(200, rows)

    def _get(self, member_id: int) -> StandInAnswer:
        row = self.members.row(member_id)
        return _missing() if row is None else StandInAnswer(200, self._shown(member_id, row))

    def _post(self, values: dict[str, Any]) -> StandInAnswer:
        why = refusal(values, frozenset(self.required), creating=True) or self._taken(values, None)
        if why is not None:
            return problem(400, "Bad Request", why)
        member_id = self._create(values)
        return self._changed(member_id)

    def _patch(self, member_id: int, values: dict[str, Any]) -> StandInAnswer:
        row = self.members.row(member_id)
        if row is None:
            return _missing()
        required = frozenset(self.required)
        why = refusal(values, required, creating=False) or self._taken(values, member_id)
        if why is not None:
            return problem(400, "Bad Request", why)
        cleared = {name: RULES[name].empty for name, value in values.items() if value is None}
        self._store(member_id, row | values | cleared, "edited")
        return self._changed(member_id)

    def _required_columns(self) -> StandInAnswer:
        return StandInAnswer(
            200,
            [
                {"columnName": name, "value": "1" if name in self.required else "0"}
                for name in (*RULES, *sorted(self.required - RULES.keys()))
                if name not in {"customerCode", "lastName", "firstName"}
            ],
        )

    def _taken(self, values: dict[str, Any], member_id: int | None) -> str | None:
        """Why a code or number is refused that another member has."""
        for name, lookup in (
            ("customerCode", self.members.with_code),
            ("customerNo", self.members.with_number),
        ):
            owner = lookup(values[name]) if values.get(name) else None
            if owner is not None and owner != member_id:
                return f"[{name}] {RULES[name].label}は既に使用されています"
        return None

    def _create(self, values: dict[str, Any]) -> int:
        member_id = self.members.new_id()
        given = {name: value for name, value in values.items() if value is not None}
        member = blank() | {"entryDate": iso(self.now())[:10]} | given
        self._store(member_id, member, "created")
        return member_id

    def _store(self, member_id: int, member: Member, action: str) -> None:
        self.members.put(member_id, member, self.now())
        self._notify(action, member_id)

    def _notify(self, action: str, member_id: int) -> None:
        if self.webhook_url is not None and is_loopback(self.webhook_url):
            contract = self.options.contract_id
            self.webhooks.send(
                notice(self.webhook_url, contract, action, [member_id], self.webhook_headers)
            )

    def _changed(self, member_id: int) -> StandInAnswer:
        body = self._shown(member_id, self.members[member_id])
        return StandInAnswer(200, body, applied=True, target=str(member_id))

    def _shown_id(self, member_id: int) -> int | str:
        return member_id if self.options.numeric_ids else str(member_id)

    def _shown(
        self, member_id: int, row: Member, columns: Sequence[str] = COLUMNS
    ) -> dict[str, Any]:
        values: dict[str, Any] = {**row, "customerId": self._shown_id(member_id)}
        shown = {name: values[name] for name in columns}
        if self.options.blanks == "text":
            return shown
        blank = {name for name, value in shown.items() if not value and name not in ALWAYS}
        if self.options.blanks == "null":
            return shown | dict.fromkeys(blank)
        return {name: value for name, value in shown.items() if name not in blank}


def _refuse_unknown(call: Call) -> None:
    """Lists know their own parameters; elsewhere there is one, of points."""
    path = call.segments[2:]
    if path in {("customers",), ("transactions",), ("stores",)} and call.method == "GET":
        return
    known = {"customer_id"} if path == ("customers", "point") else set[str]()
    for name in call.query:
        if name not in known:
            raise RefusedError(f"[{name}] 不明なパラメータです")


def _id(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise RefusedError("[customer_id] 値が正しくありません")
    return int(text)


def _missing() -> StandInAnswer:
    return problem(404, "Not Found", "会員が見つかりません")
