"""No request goes out that is not in the lists, and nothing in them is made up.

Every test that runs a gateway against the stand-ins holds their journal against the lists when it
ends (`tests.world`); here the lists are held against the source and the documents.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import get_named_type

import gateway
from gateway.channels import ROSTER
from gateway.channels.smaregi.columns import INDEX, TILL
from gateway.sandbox.journal import Asked
from gateway.sandbox.shopify import schema
from gateway.sandbox.shopify.naming import named
from gateway.sandbox.smaregi.fields import COLUMNS
from gateway.sandbox.smaregi.transactions import COLUMNS as TRANSACTIONS
from gateway.shopify import documents
from tests.conformance.listed import FILES, lists, unlisted
from tests.shopify.test_documents import SCHEMA
from tests.shopify.test_documents import schema as shopifys_own
from tests.world import World

ROOT = Path(gateway.__file__).parent
OVER_HTTP = [spec.name for spec in ROSTER if spec.name != "email"]
ROOMS = {name: f"channels/{name}" for name in OVER_HTTP} | {"shopify": "shopify"}


def sources(folder: str = "") -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith("sandbox/"):
            yield name, path.read_text("utf-8")


def calls(room: str) -> Iterator[tuple[str, str]]:
    """(operation, method) of everything in a room that is declared a read or a write."""
    for _, text in sources(room):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call):
                yield from _declared(node)


def _declared(node: ast.Call) -> Iterator[tuple[str, str]]:
    for before, access, after in zip(node.args, node.args[1:], node.args[2:], strict=False):
        if (
            isinstance(access, ast.Attribute)
            and getattr(access.value, "id", "") == "Access"
            and isinstance(before, ast.Constant)
            and isinstance(after, ast.Constant)
            and isinstance(after.value, str)
        ):
            yield str(before.value), after.value


@pytest.mark.parametrize("system", OVER_HTTP)
def test_every_call_in_the_source_is_in_the_list_and_nothing_else_is(system: str) -> None:
    listed = {(entry.name, entry.request.split()[0]) for entry in lists()[system]}
    found = set(calls(ROOMS[system]))
    if system == "smaregi":  # their operation comes with the question
        found |= {("list members", "GET"), ("find member", "GET")}
        text = (ROOT / "channels/smaregi/client.py").read_text("utf-8")
        assert re.findall(r'_list\(\s*"([^"]+)"', text) == ["list members", "find member"]
    assert found == listed


def test_every_document_is_in_the_list_and_nothing_else_is() -> None:
    listed = {entry.name for entry in lists()["shopify"]}
    assert listed == {document.name for document in documents.ALL} | {"token"}
    assert set(calls(ROOMS["shopify"])) == {("token", "POST")}


def is_input(name: str) -> bool:
    return "Input." in name


def roots(operation: Any) -> str:
    """The root fields, as the journal names a request by them."""
    return ",".join(field.name.value for field in operation.selection_set.selections)


@pytest.mark.parametrize(
    "entry", [e for e in lists()["shopify"] if e.name != "token"], ids=lambda e: e.name
)
def test_a_documents_fields_are_those_of_the_list(entry: Any) -> None:
    """What goes in with the variables is seen where it goes out."""
    found = set[str]()
    for document in documents.ALL:
        operation = schema.document(document.text).operation(None)
        if (document.name, roots(operation)) == (entry.name, entry.request):
            found |= named(document.text, operation, {})
    assert {name for name in entry.names if not is_input(name)} == {
        name for name in found if not is_input(name)
    }


@pytest.mark.timeout(180)
@pytest.mark.xdist_group("shopify schema")
@pytest.mark.skipif(not SCHEMA.parent.is_dir(), reason="the folder with the schema is not here")
def test_every_coordinate_is_in_shopifys_own_schema() -> None:
    names = {name for e in lists()["shopify"] if e.name != "token" for name in e.names}
    assert {name for name in names if not in_schema(name)} == set()


def in_schema(name: str) -> bool:
    kind, _, rest = name.partition(".")
    field, _, argument = rest.rstrip(")").partition("(")
    found = getattr(get_named_type(shopifys_own().type_map.get(kind)), "fields", {}).get(field)
    return found is not None and (not argument or argument in found.args)


@pytest.mark.parametrize("entry", lists()["smaregi"], ids=lambda e: e.name)
def test_smaregi_is_asked_for_documented_columns_only(entry: Any) -> None:
    named_columns = {
        name.partition(kind)[2]
        for name in entry.names
        for kind in ("fields=", "body:")
        if name.startswith(kind)
    }
    documented = {*COLUMNS} - {"point", "mile"}
    if entry.name == "post transaction":
        documented = {*TRANSACTIONS}
    assert named_columns - documented == ({"point"} if entry.name == "add points" else set())


def test_the_index_and_the_till_ask_for_the_columns_of_the_list() -> None:
    (entry,) = (e for e in lists()["smaregi"] if e.name == "list members")
    assert {f"fields={name}" for name in (*INDEX, *TILL)} == {
        name for name in entry.names if name.startswith("fields=")
    }


@pytest.mark.parametrize("system", FILES)
def test_every_entry_says_where_it_is_documented(system: str) -> None:
    assert all(len(entry.source) > 5 for entry in lists()[system])


def test_nothing_leaves_but_through_the_wire() -> None:
    """Whoever opens a session or builds a call is one of these."""
    call = re.compile(r"(?<![\w.])Call\($", re.MULTILINE)
    building = {name for name, text in sources() if call.search(text)}
    assert building == {
        "alerts/sender.py",
        "channels/crm/hubspot/account.py",
        "channels/crm/hubspot/client.py",
        "channels/smaregi/transport.py",
        "shopify/client.py",
    }
    opening = {name for name, text in sources() if "ClientSession(" in text}
    ours = {"cli/demo.py", "cli/client.py", "cli/of_lease.py", "http/serving.py"}
    assert opening == {"wire/session.py"} | ours, "a command asks its own gateway, and nobody else"
    importing = {name for name, text in sources() if "import aiosmtplib" in text}
    assert importing == {"wire/smtp.py", "wire/smtp_refusals.py", "wire/causes.py"}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (Asked("smaregi", "DELETE /customers/{id}", frozenset()), "is not in the list"),
        (Asked("smaregi", "GET /customers", frozenset({"?mail_address"})), "?mail_address"),
        (
            Asked("smaregi", "GET /customers", frozenset({"?fields", "fields=point"})),
            "fields=point",
        ),
        (Asked("crm", "POST /contacts", frozenset({"body:properties.age"})), "properties.age"),
        (Asked("shopify", "nodes", frozenset({"Customer.email"})), "Customer.email"),
        (Asked("email", "MAIL", frozenset({"RET"})), "RET"),
    ],
)
def test_what_is_not_in_the_lists_is_found(asked: Asked, told: str) -> None:
    (problem,) = unlisted([asked])
    assert told in problem


async def test_the_journal_holds_whatever_a_gateway_asks(world: World) -> None:
    """A registration, a change and a balance name what the lists say, and leave their marks."""
    number = (await world.register()).body["member_number"]
    await world.patch(f"/v1/customers/{number}", {"last_name": "佐藤"})
    await world.get(f"/v1/customers/{number}/points")
    asked = {(each.system, each.operation): each.names for each in world.sandbox.journal.asked}
    assert "body:lastName" in asked["smaregi", "POST /customers"]
    assert "CustomerInput.email" in asked["shopify", "customerCreate"]
    assert "body:properties.email" in asked["crm", "POST /contacts"]
    assert "?customer_id" in asked["smaregi", "GET /customers/point"]
    assert ("email", "DATA") in asked
    assert unlisted(world.sandbox.journal.asked) == []
