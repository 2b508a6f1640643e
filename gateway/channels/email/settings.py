"""EMAIL_*, with the mail server's SMTP_*"""

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from gateway.wire.smtp import SmtpSettings

__all__ = ["EmailSettings"]


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise ValueError("should be a folder that exists")
    return path


class EmailSettings(SmtpSettings):
    title: ClassVar[str] = "Welcome mail"

    email_templates: Annotated[Path, AfterValidator(_folder)] | None = Field(
        None, description="folder whose templates override the shipped ones"
    )
    email_max_age: float = Field(
        24, gt=0, description="hours after which a welcome mail is too late to be sent by itself"
    )
