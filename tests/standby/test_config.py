"""What must be set alike on every machine, and what each has its own of."""

import pytest

from gateway.app.config import LiveConfig, load
from gateway.app.standing import config_hash
from gateway.settings.sources import Sources

ALIKE = {
    "GATEWAY_SECRET": "a secret of the tests alone",
    "GATEWAY_DATABASE_URL": "postgresql:///shop",
    "SHOPIFY_STORE": "example.myshopify.com",
    "SHOPIFY_ACCESS_TOKEN": "shpat_1",
    "FLAG_CRM": "on",
}


def hashed(**changes: str) -> str:
    return config_hash(LiveConfig(load(Sources({**ALIKE, **changes}, {}), complete=False)))


@pytest.mark.parametrize(
    "own",
    [
        {"GATEWAY_HOST": "0.0.0.0", "GATEWAY_PORT": "8081", "GATEWAY_ADMIN_PORT": "9000"},
        {"PORT": "8082"},
        {"GATEWAY_LOG_FORMAT": "json", "GATEWAY_LOG_LEVEL": "debug"},
        {"GATEWAY_DATABASE_URL": "postgresql://localhost/shop"},
    ],
)
def test_addresses_and_logs_are_each_machines_own(own: dict[str, str]) -> None:
    assert hashed(**own) == hashed()


@pytest.mark.parametrize(
    "other",
    [
        {"SHOPIFY_ACCESS_TOKEN": "shpat_2"},
        {"GATEWAY_API_KEYS": "another-key-of-sixteen"},
        {"FLAG_CRM": "hold"},
        {"FLAG_CRM_PERCENT": "25"},
        {"FLAG_CRM_ALLOW": "taro@example.com"},
        {"GATEWAY_RETRY_SCHEDULE": "5,30"},
        {"GATEWAY_SECRET": "another secret of the tests"},
    ],
)
def test_everything_else_must_be_alike(other: dict[str, str]) -> None:
    assert hashed(**other) != hashed()
