"""A stand-in of Smaregi, and a member as it is created."""

from typing import Any

from gateway.sandbox import SmaregiOptions
from tests.sandbox.conftest import unlimited

__all__ = ["MEMBER", "smaregi"]
MEMBER = {"customerCode": "7000000000001", "lastName": "山田", "firstName": "太郎"}


def smaregi(**changes: Any) -> Any:
    settings = {"reads_per_second": None, "writes_per_second": None} | changes
    return unlimited(smaregi=SmaregiOptions(**settings))
