"""What HubSpot refuses, and what each refusal means."""

import json
from typing import Any

import pytest

from gateway.errors import ErrorClass, UpstreamError
from tests.channels.contacts import CONTACTS, FIND, conflict, hubspot
from tests.channels.works import PERSONAL, a_work


def not_valid(code: str, name: str) -> dict[str, Any]:
    """As HubSpot says it without `errors`: within the message, which quotes the value."""
    told = [{"isValid": False, "message": "taro@example.com", "error": code, "name": name}]
    text = f"Property values were not valid: {json.dumps(told)}"
    return conflict(category="VALIDATION_ERROR", message=text)


@pytest.mark.parametrize(
    "body",
    [
        not_valid("INVALID_EMAIL", "email"),
        conflict(errors=[{"code": "INVALID_EMAIL", "context": {"propertyName": ["email"]}}]),
        conflict(errors=[{"code": "INVALID_EMAIL", "context": None}]),
    ],
)
async def test_a_refused_e_mail_is_named_in_every_form_that_hubspot_says_it(
    body: dict[str, Any],
) -> None:
    async with hubspot() as (channel, said):
        said.say("POST", CONTACTS, body, status=400)
        said.say("GET", FIND, {}, status=400, repeat=True)
        with pytest.raises(UpstreamError, match="does not take the e-mail address") as caught:
            await channel.deliver(a_work(fresh=True))
    assert caught.value.error_class is ErrorClass.INVALID_DATA
    assert not [text for text in PERSONAL if text in str(caught.value)]


@pytest.mark.parametrize("errors", [None, "x", [1, None], [{"code": "taro@example.com"}], {}])
async def test_a_refusal_of_another_shape_is_told_without_what_it_quotes(errors: Any) -> None:
    async with hubspot() as (channel, said):
        body = conflict(errors=errors, message="Property values were not valid: [taro@example.com")
        said.say("POST", CONTACTS, body, status=400)
        said.say("GET", FIND, {}, status=404, repeat=True)
        with pytest.raises(UpstreamError, match="HTTP 400 CONFLICT") as caught:
            await channel.deliver(a_work(fresh=True))
    assert not [text for text in PERSONAL if text in str(caught.value)]


TAKEN = not_valid("CONFLICTING_UNIQUE_VALUE", "shopify_customer_id")
UNCERTAIN: list[tuple[int, dict[str, Any]]] = [
    (status, {}) for status in (408, 409, 425, 429, 477, 503)
] + [(400, TAKEN)]


@pytest.mark.parametrize(("status", "body"), UNCERTAIN)
async def test_a_refusal_that_may_hide_a_contact_is_looked_behind(
    status: int, body: dict[str, Any]
) -> None:
    async with hubspot() as (channel, said):
        said.say("POST", CONTACTS, body, status=status)
        said.say("GET", FIND, {}, status=404, repeat=True)
        with pytest.raises(UpstreamError) as caught:
            await channel.deliver(a_work(fresh=True))
        assert caught.value.applied is None
        assert not caught.value.error_class.needs_a_person, "it is looked for again"


@pytest.mark.parametrize(
    ("status", "applied"), [(400, None), (404, False), (405, None), (422, False)]
)
async def test_other_refusals_are_the_datas_and_only_some_are_certain(
    status: int, applied: bool | None
) -> None:
    async with hubspot() as (channel, said):
        said.say("POST", CONTACTS, {}, status=status)
        said.say("GET", FIND, {}, status=404, repeat=True)
        with pytest.raises(UpstreamError) as caught:
            await channel.deliver(a_work(fresh=True))
    assert (caught.value.applied, caught.value.error_class) == (applied, ErrorClass.INVALID_DATA)
