"""What an answer says."""

from typing import Any

from tests.registration.desk import body

__all__ = ["types"]


def types(answer: Any) -> tuple[int, str]:
    return answer.status, body(answer)["type"]
