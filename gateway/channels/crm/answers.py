"""HubSpot's answers, read without telling what they quote."""

from contextlib import suppress

from gateway.errors import ErrorClass, UpstreamError
from gateway.wire import Answer

__all__ = ["names", "rate_limited", "refused"]


def names(answer: Answer) -> set[str]:
    """Of a list of properties."""
    try:
        return {str(row["name"]) for row in answer.json()["results"]}
    except (KeyError, TypeError):
        detail = "the answer is not a list of properties"
        raise answer.error(ErrorClass.UNEXPECTED, detail) from None


def rate_limited(answer: Answer) -> UpstreamError:
    policy = ""
    with suppress(UpstreamError, AttributeError):
        policy = str(answer.json().get("policyName") or "")
    error = answer.error(ErrorClass.RATE_LIMIT, f"HTTP 429 {policy}".strip())
    if policy == "DAILY" and error.retry_after is None:
        error.retry_after = 3600.0
    return error


def refused(answer: Answer) -> UpstreamError:
    """HubSpot's texts may quote values; its category and property names do not."""
    category = ""
    with suppress(UpstreamError, AttributeError):
        category = str(answer.json().get("category") or "")[:60]
    if not category.replace("_", "").isalnum():
        category = "refused"
    return answer.error(None, f"HTTP {answer.status} {category}; see HubSpot's property settings")
