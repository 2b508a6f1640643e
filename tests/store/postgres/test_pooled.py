"""PgBouncer between the gateway and its database: a real one, before a real one."""

import secrets

import psycopg
import pytest

from gateway.errors import ConfigurationError
from gateway.store import Database
from gateway.store.postgres import Postgres
from tests.store.postgres import pooler
from tests.store.postgres.cluster import Cluster
from tests.store.postgres.test_alike import STORIES, columns, contents

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not pooler.is_there(), reason=pooler.MISSING),
]


@pytest.fixture
def database(cluster: Cluster) -> str:
    """A new one's name: a schema cannot be asked for through the pooler."""
    name = f"test_{secrets.token_hex(8)}"
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return name


async def refused(url: str) -> str:
    engine = Postgres(url)
    with pytest.raises(ConfigurationError) as raised:
        await engine.open()
    await engine.close()
    return str(raised.value)


@pytest.mark.parametrize("story", STORIES)
async def test_the_store_is_the_same_behind_one_that_hands_out_by_session(
    db: Database, cluster: Cluster, database: str, story: str
) -> None:
    with pooler.before(cluster, "session") as url:
        engine = Postgres(f"{url}/{database}")
        await engine.open()
        for step in STORIES[story]:
            assert await step.done_by(engine) == await step.done_by(db)
        look = contents(await db.read(columns))
        assert await engine.read(look) == await db.read(look)
        await engine.close()


@pytest.mark.parametrize("unit", ["transaction", "statement"])
async def test_one_that_cannot_be_relied_on_is_refused_with_what_to_do(
    cluster: Cluster, database: str, unit: str
) -> None:
    with pooler.before(cluster, unit) as url:
        said = await refused(f"{url}/{database}")
    assert f"for each {unit}" in said
    assert "1.21" in said


async def test_a_schema_that_is_lost_on_the_way_is_noticed(cluster: Cluster, database: str) -> None:
    options = "?options=-csearch_path%3Dshop"
    with pooler.before(cluster, "session") as url:
        assert "takes no options" in await refused(f"{url}/{database}{options}")
    with pooler.before(cluster, "session", "ignore_startup_parameters = options") as url:
        assert "dropped on the way" in await refused(f"{url}/{database}{options}")
