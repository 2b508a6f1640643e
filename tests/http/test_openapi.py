"""The API's description of itself: valid, whole, and true."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from pydantic import BaseModel

from gateway.http.forms import FormError, explained, read_change, read_form
from gateway.http.forms.profile_change import ChangeForm
from gateway.http.forms.registration import AddressForm, RegistrationForm
from gateway.http.openapi import document
from gateway.http.server import ROOMS
from tests.described import undescribed
from tests.documents.reading import ROOT, text
from tests.world import a_world, registration

DOCUMENT = document()
COMPONENTS = DOCUMENT["components"]
CALLS = [
    (f"{method.upper()} {path}", operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


def fits(schema: dict[str, Any], value: Any) -> bool:
    whole = {**schema, "components": COMPONENTS}
    checker = Draft202012Validator.FORMAT_CHECKER
    return bool(Draft202012Validator(whole, format_checker=checker).is_valid(value))


def resolved(thing: dict[str, Any]) -> dict[str, Any]:
    """What a reference to a component means."""
    found: Any = DOCUMENT
    if "$ref" not in thing:
        return thing
    for part in thing["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    assert isinstance(found, dict)
    return found


def test_it_is_valid_openapi() -> None:
    validate(DOCUMENT)
    assert DOCUMENT["openapi"].startswith("3.1")


def test_it_has_every_route_and_no_other() -> None:
    there = {
        f"{route.method} {_plain(route.path)}"
        for room in ROOMS
        for route in room.routes
        if hasattr(route, "path") and hasattr(route, "method")
    }
    assert {name for name, _ in CALLS} == there


def _plain(path: str) -> str:
    """Without the patterns of its parts."""
    return re.sub(r"{(\w+):[^}]+}", r"{\1}", path)


def test_every_call_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for _, operation in CALLS]
    assert len(set(names)) == len(names)


def examples() -> Iterator[tuple[str, dict[str, Any], Any]]:
    for name, operation in CALLS:
        for parameter in operation["parameters"]:
            yield f"{name} {parameter['name']}", parameter["schema"], parameter["example"]
        sent = operation.get("requestBody", {"content": {}})["content"]
        yield from ((f"{name} body", each["schema"], each["example"]) for each in sent.values())
        for status, said in operation["responses"].items():
            for media in said.get("content", {}).values():
                assert media["examples"], f"{name} {status} has no example"
                for label, each in media["examples"].items():
                    yield f"{name} {status} {label}", media["schema"], resolved(each)["value"]
    for name, header in COMPONENTS["headers"].items():
        yield name, header["schema"], header["example"]
    for name, schema in COMPONENTS["schemas"].items():
        yield from ((name, schema, each) for each in schema.get("examples", ()))


@pytest.mark.parametrize(("schema", "value"), [pytest.param(s, v, id=n) for n, s, v in examples()])
def test_every_example_is_what_its_schema_says(schema: dict[str, Any], value: Any) -> None:
    assert fits(schema, value)


def test_every_problem_has_its_example_and_its_line_in_the_documents() -> None:
    shown = {each["value"]["type"] for each in COMPONENTS["examples"].values()}
    table = text(ROOT / "gateway/docs/storefront.md").partition("## Problem types")[2]
    lines = re.findall(r"^\| (`[a-z-]+`(?:, `[a-z-]+`)*) \| ([45][^|]*)\|", table, re.MULTILINE)
    told = {
        (status, kind)
        for kinds, statuses in lines
        for kind in re.findall(r"[a-z-]+", kinds)
        for status in re.findall(r"[45]\w\w", statuses.replace("4xx", "400"))
    }
    assert {kind for _, kind in told} == shown
    assert {tuple(name.split("-", 1)) for name in COMPONENTS["examples"]} == told


@pytest.mark.parametrize("model", [RegistrationForm, ChangeForm, AddressForm])
def test_every_field_is_explained(model: type[BaseModel]) -> None:
    properties = model.model_json_schema()["properties"]
    assert {name for name, each in properties.items() if each["description"]} == set(
        model.model_fields
    )


def test_no_word_is_said_of_a_field_that_does_not_exist() -> None:
    assert explained._FIELDS.keys() == RegistrationForm.model_fields.keys()
    assert explained._ADDRESS.keys() == AddressForm.model_fields.keys()
    assert (
        explained._CHECKED.keys() | explained._NEVER_EMPTY <= RegistrationForm.model_fields.keys()
    )


NULLS = [{name: None} for name in (*RegistrationForm.model_fields, "nickname")]
EMPTY = [{name: ""} for name in RegistrationForm.model_fields]
OTHERS: list[dict[str, Any]] = [
    {"nickname": "taro"},
    {"email": "x" * 256},
    {"email": ""},
    {"email_verified": "true"},
    {"birth_date": "1990-4-1"},
    {"birth_date": 19900401},
    {"gender": "other"},
    {"locale": "j"},
    {"phone": 9012345678},
    {"address": "Tokyo"},
    {"address": {"country": None}},
    {"address": {"country": 81}},
    {"address": {"planet": "Earth"}},
    {"address": {"city": "x" * 256}},
]


@pytest.mark.parametrize("changes", [*NULLS, *EMPTY, *OTHERS], ids=str)
def test_a_form_takes_and_refuses_what_the_document_says(changes: dict[str, Any]) -> None:
    signs_up = registration() | changes
    assert fits({"$ref": _PLACE + "RegistrationForm"}, signs_up) == _taken(read_sign_up, signs_up)
    assert fits({"$ref": _PLACE + "ChangeForm"}, changes) == _taken(read_change, changes)


_PLACE = "#/components/schemas/"


def read_sign_up(body: dict[str, Any]) -> RegistrationForm:
    return read_form(body, RegistrationForm)


def _taken(read: Any, body: dict[str, Any]) -> bool:
    try:
        read(body)
    except FormError:
        return False
    return True


PROBLEM = {"type": "invalid-data", "title": "t", "status": 422, "detail": "d"}
HEADERS = {"Content-Type": "application/problem+json", "X-Request-Id": "1"}


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({}, None),
        ({"status": 418}, "418 is not described"),
        ({"headers": HEADERS | {"Content-Type": "text/html"}}, "422 comes as 'text/html'"),
        ({"headers": {"Content-Type": "application/problem+json"}}, "422 lacks ['X-Request-Id']"),
        ({"body": PROBLEM | {"type": "not-found"}}, "$.type: 'not-found' is not one of"),
        ({"body": PROBLEM | {"secret": 1}}, "$: Additional properties are not allowed"),
        ({"body": {"type": "invalid-data"}}, "$: 'title' is a required property"),
        ({"path": "/v2", "status": 200}, "/v2 is not described"),
        ({"path": "/v2", "status": 404}, None),
    ],
)
def test_an_answer_that_is_not_described_is_noticed(change: Any, wrong: str | None) -> None:
    answer: Any = {"path": "/v1/registrations", "status": 422, "headers": HEADERS, "body": PROBLEM}
    found = undescribed("POST", **(answer | change))
    assert found is None if wrong is None else found and found.startswith(wrong)


async def test_it_is_served_to_everybody(tmp_path: Path) -> None:
    async with a_world(tmp_path, GATEWAY_API_KEYS="a-key-of-the-storefront") as world:
        reply = await world.get("/openapi.json")
    assert (reply.status, reply.body) == (200, DOCUMENT)
