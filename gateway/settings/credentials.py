"""Keys and secrets in settings: what each should look like. ValueError says it, and no value."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

__all__ = ["BearerKey", "BearerKeys", "LongSecret", "Token", "split"]


def split(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _token(text: SecretStr) -> SecretStr:
    if not all("!" <= letter <= "~" for letter in text.get_secret_value()):
        raise ValueError("should be printable ASCII without spaces: copy it again, whole")
    return text


def _long_secret(text: SecretStr) -> SecretStr:
    if len(text.get_secret_value()) < 16:
        raise ValueError("should have 16 characters or more")
    return text


def _api_keys(keys: tuple[str, ...]) -> tuple[str, ...]:
    for key in keys:
        if not _is_key(key):
            raise ValueError("each key should have 16 printable ASCII characters or more")
    return keys


def _one_key(key: str) -> str:
    if not _is_key(key):
        raise ValueError("should have 16 printable ASCII characters or more")
    return key


def _is_key(text: str) -> bool:
    return len(text) >= 16 and all("!" <= letter <= "~" for letter in text)


BearerKey = Annotated[str, AfterValidator(_one_key)]
BearerKeys = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split), AfterValidator(_api_keys)]
Token = Annotated[SecretStr, AfterValidator(_token)]
"""What goes out in a header."""
LongSecret = Annotated[SecretStr, AfterValidator(_long_secret)]
