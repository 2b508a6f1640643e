"""Both engines answer alike and hold the same afterwards, whatever function of the store is run."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

import gateway.store
from gateway.store import Database
from gateway.store.migration import tables
from gateway.store.postgres import Postgres
from tests.store.postgres.people import MEMBERS, PERSONS, WEBHOOKS
from tests.store.postgres.points import POINTS
from tests.store.postgres.several import SEVERAL
from tests.store.postgres.sign_ups import DELIVERIES, SIGN_UPS
from tests.store.postgres.spending import SPENDING
from tests.store.postgres.steps import Step

STORIES: dict[str, tuple[Step, ...]] = {
    "sign-ups": SIGN_UPS + SEVERAL,
    "deliveries": DELIVERIES,
    "people": MEMBERS + WEBHOOKS + PERSONS,
    "points": POINTS,
    "spending": SPENDING,
}
BY_ONE_ENGINE = {
    "gateway.store.backups.examined",
    "gateway.store.inventory.look",
    "gateway.store.inventory.read_only",
    "gateway.store.migration.migrate",
    "gateway.store.migration.upgrade",
    "gateway.store.paging.every_page",
    "gateway.store.pragmas.prepare",
    "gateway.store.rewinding.skip_ids",
    "gateway.store.tally.keep",
    "gateway.store.together.run_all",
}
"""What is of SQLite's file alone, its backup and restore among it, or only hands on."""


HELD: Mapping[str, str] = {
    "sign-ups": "idempotency_keys intents registrations",
    "deliveries": "attempts deliveries links proofs",
    "people": "actions duplicate_queue duplicates events identities kept_apart members merges meta"
    " removals signup_evidence",
    "points": "points_drift points_movements points_orders",
    "spending": "points_reservations points_uses",
}
"""The tables that a story compares while they hold rows, each in one story."""


def rows(table: str, columns: str) -> Any:
    return lambda db: sorted(
        repr(tuple(row)) for row in db.execute(f"SELECT {columns} FROM {table}").fetchall()
    )


def columns(db: Any) -> dict[str, str]:
    """Those of SQLite: PostgreSQL has one more, the order of arrival."""
    found = {table: db.execute(f"PRAGMA table_info({table})").fetchall() for table in tables()}
    return {table: ", ".join(row["name"] for row in named) for table, named in found.items()}


def contents(named: Mapping[str, str]) -> Any:
    def unit(db: Any) -> dict[str, list[str]]:
        return {table: rows(table, columns)(db) for table, columns in named.items()}

    return unit


_OFTEN = 10
"""Steps after which every table is compared: later ones may take the rows away."""


@pytest.mark.parametrize("story", STORIES)
async def test_each_step_gives_the_same(db: Database, postgres: Postgres, story: str) -> None:
    look, steps = contents(await db.read(columns)), STORIES[story]
    held = set[str]()
    for number, step in enumerate(steps, 1):
        name = f"step {number}: {step.function.__module__}.{step.function.__name__}"
        assert await step.done_by(postgres) == await step.done_by(db), name
        if number % _OFTEN == 0 or number == len(steps):
            found = await db.read(look)
            assert await postgres.read(look) == found, f"after {name}"
            held |= {table for table, has in found.items() if has}
    assert held >= {*HELD[story].split()}


def test_every_table_is_compared_with_rows_in_it() -> None:
    assert sorted(" ".join(HELD.values()).split()) == sorted(tables())


_KINDS = ("sqlite3.Connection", "store.database", "store.engine")


def functions() -> Iterator[str]:
    """Every public function of the store that works on a database."""
    for module in pkgutil.walk_packages(gateway.store.__path__, "gateway.store."):
        if module.name.startswith("gateway.store.postgres"):
            continue
        found = importlib.import_module(module.name)
        for name in getattr(found, "__all__", ()):
            function = getattr(found, name)
            if inspect.isfunction(function) and function.__module__ == module.name:
                kinds = [str(each) for each in inspect.get_annotations(function).values()]
                if any(of_a_database in kind for kind in kinds for of_a_database in _KINDS):
                    yield f"{module.name}.{name}"


def test_no_function_of_the_store_is_forgotten() -> None:
    run = {
        f"{step.function.__module__}.{step.function.__name__}"
        for story in STORIES.values()
        for step in story
    }
    known = {*functions()}
    assert len(known) > 150
    assert known - run - BY_ONE_ENGINE == set()
