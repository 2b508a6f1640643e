"""A misspelt setting stops the start with the nearest right name; what others set is warned of."""

from pathlib import Path

import pytest

from gateway.app.config import known_variables, load
from gateway.app.misspelt import prefixes
from gateway.errors import ConfigurationError
from gateway.settings.sources import Sources, read_dotenv

MARK = "zzq-marker"
SHOP = {"SHOPIFY_STORE": "example.myshopify.com", "SHOPIFY_ACCESS_TOKEN": "shpat_0"}
ID = "123e4567-e89b-42d3-a456-426614174000"

MISSPELT = (
    ("GATEWAY_APIKEYS", "GATEWAY_API_KEYS"),
    ("gateway_apikeys", "GATEWAY_API_KEYS"),
    ("GATEWAY-API-KEYS", "GATEWAY_API_KEYS"),
    ("GATEWAY_DATABASE_URI", "GATEWAY_DATABASE_URL"),
    ("GATEWAY_AUTOREPLAY", "GATEWAY_AUTO_REPLAY"),
    ("SMAREGI_CONTRACTID", "SMAREGI_CONTRACT_ID"),
    ("SMAREGI_LINK_FEILD", "SMAREGI_LINK_FIELD"),
    ("SHOPIFY_STOR", "SHOPIFY_STORE"),
    ("SHOPIFY_STORE_DOMAIN_", "SHOPIFY_STORE"),
    ("SHOPIFY_CLINT_ID", "SHOPIFY_CLIENT_ID"),
    ("SHOPIFY_CLIENT_SECRETS", "SHOPIFY_CLIENT_SECRET"),
    ("SHOPIFY_API_VERSON", "SHOPIFY_API_VERSION"),
    ("HUBSPOT_ACCES_TOKEN", "HUBSPOT_ACCESS_TOKEN"),
    ("HUBSPOT_API_KEY", "HUBSPOT_ACCESS_TOKEN"),
    ("SMTP_SERVER", "SMTP_HOST"),
    ("SMTP_USER", "SMTP_USERNAME"),
    ("SMTP_PASSWORD_FILE", "SMTP_PASSWORD"),
    ("EMAIL_FORM", "EMAIL_FROM"),
    ("EMAIL_HOST", "SMTP_HOST"),
    ("ALERT_MAIL", "ALERT_EMAIL"),
)

OTHERS = {
    "FLAG_SERVICE_HOST": "10.0.0.1",
    "FLAG_SERVICE_PORT": "80",
    "FLAG_SERVICE_PORT_HTTP": "80",
    "FLAG_PORT": "tcp://10.0.0.1:80",
    "FLAG_PORT_80_TCP": "tcp://10.0.0.1:80",
    "FLAG_PORT_80_TCP_ADDR": "10.0.0.1",
    "GATEWAY_SERVICE_HOST": "10.0.0.1",
    "GATEWAY_PORT_8080_TCP": "tcp://10.0.0.1:8080",
    "GATEWAY_PORT_8080_TCP_PROTO": "tcp",
    "GATEWAY_DATABASE_SERVICE_HOST": "10.0.0.1",
    "GATEWAY_DATABASE_PORT": "tcp://10.0.0.1:5432",
    "GATEWAY_INTERFACE": "CGI/1.1",
    "EMAIL_RELAY_SERVICE_PORT_SMTP_SUBMISSION": "587",
    "EMAIL_RELAY_PORT_53_UDP_PORT": "53",
    "SHOPIFY_API_KEY": "0",
    "SHOPIFY_API_SECRET": "0",
    "SHOPIFY_APP_URL": "https://example.com",
    "SHOPIFY_CLI_PARTNERS_TOKEN": "0",
    "SHOPIFY_FLAG_VERBOSE": "1",
    "SHOPIFY_MEMBER_CARD_ID": ID,
    "HUBSPOT_PERSONAL_ACCESS_KEY": "0",
    "SMTP_RELAY_HOST": "smtp.example.com",
    "SMTP_NETWORKS": "10.0.0.0/8",
}


@pytest.mark.parametrize("place", ["environment", ".env"])
@pytest.mark.parametrize(("name", "right"), MISSPELT)
def test_a_misspelt_setting_is_refused_with_the_nearest_name(
    name: str, right: str, place: str
) -> None:
    given = {name: MARK}
    sources = Sources(SHOP | given, {}) if place == "environment" else Sources(SHOP, given)
    with pytest.raises(ConfigurationError) as caught:
        load(sources)
    (problem,) = caught.value.problems
    where = "the environment" if place == "environment" else ".env"
    assert problem == (
        f"{name} (in {where}) belongs to no setting; the nearest right name is {right}"
    )


@pytest.mark.parametrize(("name", "text"), OTHERS.items())
def test_what_other_software_sets_is_only_warned_about(name: str, text: str) -> None:
    (warning,) = set(load(Sources(SHOP | {name: text}, {})).warnings) - _usual()
    assert warning.startswith(f"{name} (in the environment): ignored; it is what ")
    assert text not in warning.removeprefix(name) or len(text) < 3


def _usual() -> set[str]:
    return set(load(Sources(SHOP, {})).warnings)


@pytest.mark.parametrize(
    ("name", "text"),
    [("GATEWAY_PORT", "tcp://10.0.0.1:8080"), ("SMTP_PORT", "tcp://10.0.0.1:25")],
)
def test_a_service_link_with_a_settings_own_name_is_not_that_setting(name: str, text: str) -> None:
    """Of a Kubernetes service that is called `gateway`; what the pod itself sets goes before it."""
    config = load(Sources(SHOP | {name: text}, {name: "2525"}))
    assert config.gateway.gateway_port == (2525 if name == "GATEWAY_PORT" else 8080)
    assert config.email.smtp_port == (2525 if name == "SMTP_PORT" else 587)
    assert any(
        warning.startswith(f"{name} (in the environment): ign") for warning in config.warnings
    )
    with pytest.raises(ConfigurationError, match=f"{name}: "):
        load(Sources(SHOP, {name: text}))


def test_a_shape_of_others_does_not_hide_a_misspelt_setting() -> None:
    for name, text in {
        "SHOPIFY_CLINT_ID": "0" * 32,
        "GATEWAY_PORTS": "80",
        "FLAG_PORT": "on",
    }.items():
        with pytest.raises(ConfigurationError, match=name):
            load(Sources(SHOP | {name: text}, {}))


def test_another_programs_word_is_only_warned_about_where_ours_is_set_too() -> None:
    config = load(Sources(SHOP | {"SMTP_SERVER": MARK, "SMTP_HOST": "smtp.example.com"}, {}))
    assert (
        "SMTP_SERVER (in the environment): no such setting, it is ignored; SMTP_HOST counts"
        in config.warnings
    )


def test_a_name_that_only_begins_otherwise_is_warned_about() -> None:
    """It need not be meant for us, so it stops nothing."""
    config = load(Sources(SHOP | {"GATWAY_API_KEYS": MARK, "MAIL_LOCALE": "x"}, {}))
    assert set(config.warnings) - _usual() == {
        "GATWAY_API_KEYS (in the environment): is ignored; did you mean GATEWAY_API_KEYS?"
    }


def test_a_value_that_stands_where_a_name_should_be_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("SHOPIFY_ACCESS_TOKEN:shpat_zzq=x\nSMTP_PASSWORD zzq\n")
    with pytest.raises(ConfigurationError) as caught:
        load(Sources(SHOP, read_dotenv(file)))
    assert "zzq" not in str(caught.value)
    file.write_text("SHOPIFY_ACCESS_TOKEN:shpat_zzq=x\n")
    with pytest.raises(ConfigurationError) as caught:
        load(Sources(SHOP, read_dotenv(file)))
    assert "zzq" not in str(caught.value)


def test_a_line_of_env_without_its_equals_sign_is_named_by_its_number(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("SHOPIFY_STORE=example.myshopify.com\nGATEWAY_API_KEYS\n")
    with pytest.raises(ConfigurationError, match="line 2 is not VARIABLE=value"):
        read_dotenv(file)


def test_what_begins_like_a_setting_is_watched_and_what_is_common_is_not() -> None:
    settings = {"GATEWAY_PORT", "LINE_CHANNEL_TOKEN", "CRM_PROVIDER", "PORT", "STORE_URL"}
    assert prefixes(settings) == ("FLAG_", "GATEWAY_", "LINE_", "POINTS_")


def test_every_beginning_of_the_contract_is_watched() -> None:
    systems = ("SHOPIFY_", "SMAREGI_", "HUBSPOT_", "SMTP_", "EMAIL_", "ALERT_")
    assert {*systems, "GATEWAY_", "POINTS_", "FLAG_"} == set(prefixes(known_variables()))
