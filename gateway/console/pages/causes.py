"""Open deliveries by cause, as tables show them."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from gateway.app.advice import advice
from gateway.console.visit import PREFIX
from gateway.outcomes import REPLAYABLE
from gateway.store.causes import Cause

__all__ = ["shown_causes"]


def shown_causes(found: Sequence[Cause]) -> list[dict[str, Any]]:
    """Each with what to do, and where its deliveries are listed. `filter` names exactly them."""
    return [_shown(cause) for cause in found]


def _shown(cause: Cause) -> dict[str, Any]:
    chosen = {
        "channel": cause.channel,
        "outcome": str(cause.outcome),
        **({"error_class": str(cause.error_class)} if cause.error_class else {}),
        "reason": cause.reason or "",
    }
    return {
        "cause": cause,
        "why": cause.reason or cause.message,
        "replayable": cause.outcome in REPLAYABLE,
        "mend": advice(cause.channel, cause.outcome, cause.error_class),
        "filter": chosen,
        "url": f"{PREFIX}/deliveries?{urlencode(chosen)}",
    }
