"""The form of HubSpot's errors: `status`, `message`, `correlationId`, `category`, `errors`."""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.sandbox.call import StandInAnswer


class RefusedError(Exception):
    """A call that is answered with an error; `answer` is what is said."""

    def __init__(self, answer: StandInAnswer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def error(
    status: int,
    category: str,
    message: str,
    errors: Sequence[Mapping[str, Any]] = (),
    **more: Any,
) -> StandInAnswer:
    body: dict[str, Any] = {
        "status": "error",
        "message": message,
        "correlationId": str(uuid.uuid4()),
        "category": category,
        **more,
    }
    if errors:
        body["errors"] = list(errors)
    return StandInAnswer(status, body)


def not_found() -> StandInAnswer:
    return error(404, "OBJECT_NOT_FOUND", "Object not found")


def conflict(message: str) -> RefusedError:
    return RefusedError(error(409, "CONFLICT", message))


def invalid(name: str, code: str, message: str) -> RefusedError:
    """400 about one property; `code` is PROPERTY_DOESNT_EXIST, INVALID_EMAIL and the like.

    What is at fault stands in `errors`, and as JSON within the message, which quotes the value.
    """
    detail = {"message": message, "code": code, "context": {"propertyName": [name]}}
    faults = [{"isValid": False, "message": message, "error": code, "name": name}]
    text = f"Property values were not valid: {json.dumps(faults)}"
    return RefusedError(error(400, "VALIDATION_ERROR", text, [detail]))


def missing_scopes(scopes: Sequence[str]) -> StandInAnswer:
    message = "This app hasn't been granted all required scopes to make this call."
    context = {"message": message, "context": {"requiredGranularScopes": list(scopes)}}
    return error(403, "MISSING_SCOPES", message, [context])


def throttled(policy: str) -> StandInAnswer:
    message = f"You have reached your {policy.lower()} limit."
    return error(429, "RATE_LIMITS", message, errorType="RATE_LIMIT", policyName=policy)
