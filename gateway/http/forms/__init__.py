"""A request's body, read and checked field by field."""

from gateway.http.forms.json_body import NotJsonError, parse_json
from gateway.http.forms.profile_change import read_change
from gateway.http.forms.registration import FormError, read_form

__all__ = ["FormError", "NotJsonError", "parse_json", "read_change", "read_form"]
