"""The answer to a body that cannot be taken."""

from gateway.http.forms.json_body import NotJsonError
from gateway.http.forms.wrong_fields import FormError
from gateway.responses.answer import Answer, problem
from gateway.wording import Detail

__all__ = ["refused_body"]


def refused_body(error: NotJsonError | FormError) -> Answer:
    if isinstance(error, NotJsonError):
        return problem(400, "not-json", error.detail)
    return problem(422, "invalid-data", Detail.FIELDS_WRONG, errors=error.errors)
