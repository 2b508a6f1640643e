"""Sign-ups that are written together."""

from gateway.outcomes import Outcome
from gateway.store import acceptance, admission, outbox
from gateway.store.admission import Bounds
from gateway.store.outbox import OwedTo
from tests.store.accepting import accepted
from tests.store.postgres.sign_ups import asked, opened
from tests.store.postgres.steps import Step, write

__all__ = ["SEVERAL"]

SEVERAL: tuple[Step, ...] = (
    write(
        admission.begin_all,
        [
            (asked("r15", "fifteen", email_verified=True), 1029.0, Bounds()),
            (asked("r16", "fifteen", body="other"), 1029.1, Bounds()),
            (asked("r17", "seventeen", asked_by="req-17"), 1029.2, Bounds()),
            (asked("r18", "eighteen", email_verified=True), 1029.3, Bounds()),
            (asked("r19", "nineteen", later=True), 1029.4, Bounds()),
        ],
    ),
    write(
        acceptance.accept,
        [
            accepted("r15", 15, 1029.5, opened("email")),
            accepted("r17", 17, 1029.6, opened(), answered=False),
            accepted("r18", 18, 1029.7),
            accepted("r19", 19, 1029.8, opened("smaregi", outcome=Outcome.HELD)),
            accepted("gone", 20, 1029.9, opened("email")),
        ],
    ),
    write(
        outbox.open_all,
        [
            OwedTo(21, None, None, opened("email"), 1029.9),
            OwedTo(22, "r19", "req", opened("email", "hubspot", not_before=1040.0), 1030.0),
        ],
    ),
)
