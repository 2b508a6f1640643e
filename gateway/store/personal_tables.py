"""Every table of the schema, and what of a person it may hold."""

from collections.abc import Mapping

from gateway import frozen

__all__ = ["IMPERSONAL", "OF_CUSTOMER", "TABLES", "Table"]

_TYPES = {"customers": "BIGINT", "members": "BIGINT", "registrations": "TEXT", "subjects": "TEXT"}


def _among(column: str, ids: str) -> str:
    of_list = f"SELECT CAST(one.value AS {_TYPES[ids]}) FROM json_each(CAST(:{ids} AS TEXT)) AS one"  # noqa: S608
    return f"{column} IN ({of_list})"


OF_CUSTOMER = _among("customer_id", "customers")
_IN_SMAREGI = "lives in Smaregi, and goes here once it is erased there"
_DELETE = "DELETE"
_RESERVED = f"SELECT id FROM points_reservations WHERE {OF_CUSTOMER}"  # noqa: S608
_ENDED = "state IN ('used', 'released', 'refused')"


@frozen
class Table:
    """`what` and `kept` in words; `{days}` is GATEWAY_RETENTION_DAYS.

    `columns` are what is shown of a person's rows, no keyed hash among them; `where` finds them, by
    JSON lists of ids (`_parameters`). `wipe`: `_DELETE`, or what is set instead, or '' where they
    stay; only of rows where `only` holds. `stays`: why rows may be left after that.
    """

    name: str
    what: str
    kept: str
    columns: str
    where: str = OF_CUSTOMER
    wipe: str = _DELETE
    only: str = "TRUE"
    stays: str = ""

    @property
    def select_sql(self) -> str:
        return f"SELECT {self.columns} FROM {self.name} WHERE {self.where} ORDER BY 1"  # noqa: S608

    @property
    def wipe_sql(self) -> str:
        change = f"UPDATE {self.name} SET {self.wipe}"  # noqa: S608
        begin = f"DELETE FROM {self.name}" if self.wipe == _DELETE else change  # noqa: S608
        return f"{begin} WHERE ({self.where}) AND ({self.only})"


TABLES: tuple[Table, ...] = (
    Table(
        "registrations",
        "a sign-up: ids, how it stands; e-mail and data as keyed hashes",
        "{days} days, and as long as its deliveries",
        "id, state, customer_id, shopify_action, warnings, problem, created_at, updated_at",
        _among("id", "registrations"),
    ),
    Table(
        "intents",
        "the data of a sign-up, encrypted",
        "until Shopify has it or has refused it",
        "registration_id, created_at",
        _among("registration_id", "registrations"),
    ),
    Table(
        "idempotency_keys",
        "the answer that a storefront was given: ids, the member number and outcomes",
        "24 hours",
        "registration_id, status, created_at",
        _among("registration_id", "registrations"),
    ),
    Table(
        "links",
        "which record of another system is theirs; what was sent there as keyed hashes",
        "as long as they have that record",
        "channel, customer_id, reference, member_number, old_number, created_at, updated_at",
    ),
    Table(
        "proofs",
        "that an e-mail is known to be theirs: its keyed hash",
        "as long as they are a customer",
        "customer_id, signed_in",
    ),
    Table(
        "signup_evidence",
        "what they said at sign-up, to find duplicates: keyed hashes",
        "as long as they are linked to a store member",
        "customer_id",
    ),
    Table(
        "deliveries",
        "what is, or was, owed to a channel: ids and outcomes",
        "until delivered or given up, and {days} days more",
        "id, registration_id, customer_id, channel, kind, outcome, error_class, message, reason,"
        " reference, created_at, updated_at",
    ),
    Table(
        "attempts",
        "tries at a delivery: times, and how they ended",
        "as long as its delivery",
        "id, delivery_id, started_at, outcome, error_class, message, reason",
        f"delivery_id IN (SELECT id FROM deliveries WHERE {OF_CUSTOMER})",  # noqa: S608
    ),
    Table(
        "events",
        "webhooks about them: topic and ids",
        "7 days after the work",
        "id, topic, state, received_at",
        " OR ".join((OF_CUSTOMER, _among("merged_id", "customers"))),
        wipe="",
        stays="goes by itself: it is needed to know a repetition",
    ),
    Table(
        "removals",
        "that they are to leave the other systems",
        "until that is done, and an hour more",
        "customer_id, cause, state, noticed_at",
        only="cause = 'exists' OR state = 'dropped'",
        stays="counts for an hour, so that a mass of them is noticed",
    ),
    Table(
        "kept_apart",
        "a person's word that a store member is somebody else",
        "as long as they are a customer",
        "customer_id, member_id, created_at",
    ),
    Table(
        "actions",
        "what staff did about them, and the reason that was given",
        "{days} days",
        "at, actor, action, customer_id, why",
        " OR ".join((OF_CUSTOMER, _among("subject", "subjects"))),
        wipe="customer_id = NULL, subject = '', why = ''",
        only="customer_id IS NOT NULL",
        stays="that it was asked for, under a keyed hash: the proof that it was done",
    ),
    Table(
        "points_orders",
        "orders that earn points: ids, and how many",
        "400 days after its last change; {days} days where it earns nothing",
        "order_id, customer_id, member_id, state, reason, target, lacking, created_at, updated_at",
    ),
    Table(
        "points_reservations",
        "points that they spend online: ids, how many, and the discount code",
        "400 days after its last change; {days} days where nothing was used",
        "id, customer_id, member_id, points, state, code, created_at, updated_at",
        only=_ENDED,
        stays="its points are given back first; it goes with the rest some days later",
    ),
    Table(
        "points_uses",
        "how many of these points an order has used",
        "as long as the reservation",
        "reservation_id, order_id, points",
        f"reservation_id IN ({_RESERVED})",
        only=f"reservation_id IN ({_RESERVED} AND {_ENDED})",
        stays="belongs to points that are given back first",
    ),
    Table(
        "points_movements",
        "points that their orders earned or used, on the way: ids and numbers",
        "as long as its order or reservation",
        "id, order_id, reservation_id, member_id, points, state, created_at, updated_at",
        f"order_id IN (SELECT order_id FROM points_orders WHERE {OF_CUSTOMER})"  # noqa: S608
        f" OR reservation_id IN ({_RESERVED})",
        only=f"order_id IS NOT NULL OR reservation_id IN ({_RESERVED} AND {_ENDED})",
        stays="belongs to points that are given back first",
    ),
    Table(
        "points_drift",
        "what their store member's points have otherwise in Smaregi than here",
        "until somebody has put it right",
        "head_id, kind, member_id, points, found_at",
        _among("member_id", "members"),
        wipe="",
        stays=_IN_SMAREGI,
    ),
    Table(
        "members",
        "the index of Smaregi's members: ids, numbers, dates of visit, and keyed hashes",
        "as long as they are in Smaregi",
        "member_id, code, number, last_come",
        _among("member_id", "members"),
        wipe="",
        stays=_IN_SMAREGI,
    ),
    Table(
        "duplicate_queue",
        "that their store member is to be looked at for duplicates",
        "seconds",
        "member_id, customer_id",
        wipe="customer_id = NULL, evidence = NULL",
    ),
    Table(
        "duplicates",
        "store members that may be the same person: their ids in Smaregi",
        "as long as both are in Smaregi",
        "low_id, high_id, state, reasons, found_at",
        " OR ".join(_among(each, "members") for each in ("low_id", "high_id")),
        wipe="",
        stays=_IN_SMAREGI,
    ),
    Table(
        "merges",
        "two store members that were made one",
        "as long as the database",
        "survivor, absorbed, step, customer_id, points, updated_at",
        " OR ".join((OF_CUSTOMER, *(_among(each, "members") for each in ("low", "high")))),
        wipe="customer_id = NULL",
        only="step IN ('begun', 'done')",
        stays="two ids of Smaregi and the points that were moved, so that they are not moved twice",
    ),
)
"""In the order in which they are shown; what refers to a row stands behind it."""

IMPERSONAL: Mapping[str, str] = {
    "meta": "how far passes have come, and by which secret is keyed",
    "identities": "which shop, contract and account this is",
    "sqlite_sequence": "SQLite's own: the highest id that was given",
}
"""Tables that hold nothing of a person, and what they hold."""
