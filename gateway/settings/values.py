"""What values in settings should look like. ValueError says it, and never the value."""

from typing import Annotated, Any

from pydantic import Field, SecretStr

from gateway.settings.secret_list import secrets_in

__all__ = ["Seconds", "lower", "schedule", "secret_list"]


def lower(text: Any) -> Any:
    return text.strip().lower() if isinstance(text, str) else text


def schedule(seconds: tuple[float, ...]) -> tuple[float, ...]:
    if not seconds or any(not 0 <= second < 10**7 for second in seconds):
        raise ValueError("should be seconds separated by commas, at least one")
    return seconds


def secret_list(secret: SecretStr) -> SecretStr:
    secrets_in(secret.get_secret_value(), ",")
    return secret


Seconds = Annotated[float, Field(gt=0, le=3600)]
