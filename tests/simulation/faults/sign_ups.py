"""Mends of a sign-up: its answer, its recovery, its idempotency key."""

from tests.simulation.faults.taking_out import Change, Fault

__all__ = ["MERELY_4XX", "SIGN_UPS"]

MERELY_4XX = Change(
    "gateway.wire.session:UpstreamAnswer._did_nothing",
    "self.status in _CERTAIN",
    "400 <= self.status < 500",
)

_BRING_FORWARD = "    return any("
_LONGEST_LAST = """    db.execute(
        "UPDATE registrations SET next_try_at = min(next_try_at, ?1 + tries / 10.0) "
        "WHERE state = 'waiting' AND next_try_at > ?1", (now,))
    return False and any("""

SIGN_UPS: tuple[Fault, ...] = (
    Fault(
        "3 a customer created although the answer was a refusal",
        "one_person",
        (
            MERELY_4XX,
            Change("gateway.shopify.client:_graphql_error", "applied=unknown", "applied=False"),
        ),
    ),
    Fault(
        "6 a finished registration is undone by recovery's late look",
        "late_look",
        (
            Change(
                "gateway.registration.acceptance:Acceptance.accept_found",
                "still = registrations.is_still(db, row)",
                "still = True",
            ),
        ),
    ),
    Fault(
        "7 a promised registration is wiped by recovery's late look",
        "one_person",
        (
            Change(
                "gateway.registration.recovery:Recovery._drop",
                "still = registrations.is_still(db, row)",
                "still = True",
            ),
        ),
    ),
    Fault(
        "8 an idempotency key without an answer stays busy",
        "one_person",
        (
            Change(
                "gateway.registration.untold:Untold.add",
                'self._background.keep(work, "writing down that nobody was told")',
                "work.close()",
            ),
        ),
    ),
    Fault(
        "9 a second run of one registration is forgotten",
        "second_run",
        (
            Change(
                "gateway.registration.registrar:Registrar._ended",
                "if self._running.get(registration_id) is task:",
                "if registration_id in self._running:",
            ),
        ),
    ),
    Fault(
        "12 deleted in Shopify and signed up again at once, and Shopify has nobody",
        "deleted",
        (
            Change(
                "gateway.registration.registrar:Registrar.register",
                "await self._is_gone(begun.id, request)",
                "False",
            ),
        ),
    ),
    Fault(
        "21 after an outage the first to come are the last to go",
        "outage",
        (
            Change(
                "gateway.store.deferred:bring_forward",
                _BRING_FORWARD,
                _LONGEST_LAST,
            ),
        ),
    ),
    Fault(
        "data that newer data replaced answers again",
        "one_person",
        (
            Change(
                "gateway.store.admission:_same_person",
                'row["id"] == accepted and same',
                'row["state"] == "accepted" and same',
            ),
            Change(
                "gateway.store.acceptance:_supersede",
                'registrations.forget_person(db, row["id"], None)',
                "pass",
            ),
        ),
    ),
)
