"""What is wrong with the settings: all at once, by name, never a value; exit code 2."""

from pathlib import Path

import pytest

from flags import Mode
from gateway.app.config import LiveConfig, load
from gateway.channels import ROSTER, Spec
from gateway.errors import ConfigurationError
from gateway.normalize import parse_mailbox
from gateway.settings import is_loopback
from gateway.settings.sources import Sources, read_dotenv
from gateway.store import Keys, secret_path
from tests.cli.process import Shell

MARK = "zzq-marker"
SHOP = {"SHOPIFY_STORE": "example.myshopify.com", "SHOPIFY_ACCESS_TOKEN": "shpat_0"}
WRONG = {
    "GATEWAY_PORT": MARK,
    "GATEWAY_API_KEYS": MARK,
    "GATEWAY_DATABASE_URL": MARK,
    "GATEWAY_RATE_LIMIT": MARK,
    "GATEWAY_RESPONSE_DEADLINE": MARK,
    "GATEWAY_RETRY_SCHEDULE": MARK,
    "GATEWAY_AUTO_REPLAY": MARK,
    "GATEWAY_SECRET": MARK,
    "STORE_URL": MARK,
    "SHOPIFY_STORE": f"{MARK}/x y",
    "SHOPIFY_API_VERSION": MARK,
    "SHOPIFY_BASE_URL": MARK,
    "SHOPIFY_EXISTING_CUSTOMER": MARK,
    "SMAREGI_CONTRACT_ID": f"{MARK}!",
    "SMAREGI_API_URL": MARK,
    "SMAREGI_READS_PER_SECOND": MARK,
    "SMAREGI_LINK_FIELD": MARK,
    "SMAREGI_LINK_UNVERIFIED": MARK,
    "SMAREGI_WEBHOOK_SECRET": MARK,
    "CRM_PROVIDER": MARK,
    "HUBSPOT_API_VERSION": MARK,
    "SMTP_PORT": MARK,
    "SMTP_TLS": MARK,
    "EMAIL_FROM": MARK,
    "EMAIL_TEMPLATES": MARK,
    "EMAIL_MAX_AGE": MARK,
    "ALERT_WEBHOOK_URL": MARK,
    "ALERT_EMAIL": MARK,
    "FLAG_SMAREGI": MARK,
    "FLAG_CRM_PERCENT": MARK,
    "FLAG_EMAIL_ALLOW": MARK,
}


@pytest.mark.parametrize("name", ["EMAIL_FROM", "ALERT_EMAIL"])
@pytest.mark.parametrize(
    "written", ["cafe@home <info@example.jp>", "Shop shop@example.com", "a@x.jp, b@x.jp", "店@x.jp"]
)
def test_a_mailbox_that_can_be_misread_is_refused_with_the_right_form(
    name: str, written: str
) -> None:
    (problem,) = _problems(SHOP, **{name: written})
    assert problem.startswith(f"{name}: ")
    assert "Shop <shop@example.com>" in problem
    assert written not in problem


def test_the_form_that_is_told_can_be_pasted_into_the_dotenv_file(tmp_path: Path) -> None:
    (problem,) = _problems(SHOP, EMAIL_FROM="cafe@home <info@example.jp>")
    told = problem[problem.index("'") : problem.rindex("'") + 1]
    (tmp_path / ".env").write_text(f"EMAIL_FROM={told}\n")
    config = load(Sources(SHOP, read_dotenv(tmp_path / ".env")))
    assert parse_mailbox(config.email.email_from or "").name == "Shop @ Tokyo"


def _problems(settings: dict[str, str], **more: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(Sources({**settings, **more}, {}))
    return list(caught.value.problems)


def _named(problems: list[str]) -> list[str]:
    return [problem.split(":")[0].split(" ")[0] for problem in problems]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    folder = tmp_path / "shop"
    folder.mkdir()
    return Shell(folder)


@pytest.mark.parametrize(
    ("command", "place"), [("serve", "environment"), ("check", ".env"), ("flags", ".env")]
)
async def test_every_wrong_setting_is_listed_at_once_without_its_value(
    shell: Shell, command: str, place: str
) -> None:
    if place == "environment":
        done = await shell.run(command, **WRONG)
    else:
        shell.write_env(**{name: f"'{value}'" for name, value in WRONG.items()})
        done = await shell.run(command)
    assert done.code == 2
    assert MARK not in done.out + done.err
    lines = [line.strip(" -") for line in done.err.splitlines()[1:]]
    assert sorted(_named(lines)) == sorted(WRONG)
    assert "Traceback" not in done.err


def test_what_is_wrong_and_what_is_missing_is_one_list() -> None:
    problems = _problems({"GATEWAY_PORT": "nonsense", "FLAG_CRM": "on", "FLAG_EMAIL": "maybe"})
    assert set(_named(problems)) >= {
        "GATEWAY_PORT",
        "FLAG_EMAIL",
        "SHOPIFY_STORE",
        "SHOPIFY_ACCESS_TOKEN",
    }


async def test_a_missing_key_is_listed_with_what_else_is_missing(shell: Shell) -> None:
    done = await shell.run("serve", GATEWAY_HOST="192.0.2.1")
    assert done.code == 2
    for name in ("SHOPIFY_STORE", "SHOPIFY_ACCESS_TOKEN", "GATEWAY_API_KEYS"):
        assert f"{name}: is not set" in done.err


@pytest.mark.parametrize("spec", ROSTER, ids=lambda spec: spec.name)
@pytest.mark.parametrize("mode", ["on", "hold", "dry_run"])
def test_a_channels_settings_are_needed_only_where_its_flag_is_not_off(
    spec: Spec, mode: str
) -> None:
    name = spec.name
    prefixes = {"smaregi": ("SMAREGI",), "crm": ("HUBSPOT",), "email": ("SMTP", "EMAIL")}
    load(Sources(SHOP | {f"FLAG_{name.upper()}": "off"}, {}))
    problems = _problems(SHOP, **{f"FLAG_{name.upper()}": mode})
    assert problems
    assert all(problem.startswith(prefixes[name]) for problem in problems)
    assert all("it should hold" in problem for problem in problems)


@pytest.mark.parametrize("host", ["0.0.0.0", "shop.example.com"])
async def test_without_a_key_nothing_beyond_loopback_is_listened_on(
    shell: Shell, host: str
) -> None:
    done = await shell.run("serve", **SHOP, GATEWAY_HOST=host, GATEWAY_PORT="0")
    assert done.code == 2
    assert "GATEWAY_API_KEYS: is not set" in done.err
    assert list(shell.folder.iterdir()) == []


def test_a_reload_cannot_take_away_the_last_key_beyond_loopback() -> None:
    """Otherwise everybody who reaches the port could register."""
    key = {"GATEWAY_API_KEYS": "a-key-of-16-letters"}
    now = SHOP | key | {"GATEWAY_HOST": "0.0.0.0"}
    live = LiveConfig(load(Sources(dict(now), {})), lambda: Sources(now, {}))
    now.pop("GATEWAY_API_KEYS")
    live.reload()
    assert live.current.gateway.gateway_api_keys == ("a-key-of-16-letters",)


def test_an_unknown_flag_is_refused_with_the_nearest_name() -> None:
    (problem,) = _problems(SHOP, FLAG_SMARGEI="on")
    assert "FLAG_SMARGEI" in problem
    assert "the nearest right name is FLAG_SMAREGI" in problem


def test_an_unset_flag_is_off_and_warned_about() -> None:
    config = load(Sources(SHOP | {"FLAG_CRM": "off"}, {}))
    assert config.flags["email"].mode is Mode.OFF
    assert "FLAG_EMAIL is not set: it counts as off" in config.warnings
    assert not any("FLAG_CRM " in warning for warning in config.warnings)


def test_a_flag_in_env_that_the_environment_shadows_is_warned_about() -> None:
    config = load(Sources(SHOP | {"FLAG_CRM": "off"}, {"FLAG_CRM": "on"}))
    assert config.flags["crm"].mode is Mode.OFF
    assert "FLAG_CRM in .env has no effect: the environment sets it too" in config.warnings


PLANTED = (
    ("SHOPIFY_STORE", "https://example.myshopify.com/admin", "the domain alone, without https://"),
    ("SHOPIFY_STORE", "example.myshopify.com/", "the domain alone, without https://"),
    ("SHOPIFY_STORE", "sandbox", "the whole domain, with its .myshopify.com"),
    ("SHOPIFY_STORE", "admin.shopify.com/store/example", "the address of every shop's admin"),
    ("SHOPIFY_STORE", "my shop.myshopify.com", "should be a domain"),
    ("SHOPIFY_ACCESS_TOKEN", "shpat_0 shpat_1", "printable ASCII without spaces"),
    ("SHOPIFY_ACCESS_TOKEN", "shpat_あ", "printable ASCII without spaces"),
    ("SHOPIFY_BASE_URL", "http://shopify.example.com", "https:// (http:// only on loopback)"),
    ("SHOPIFY_BASE_URL", "http://127.0.0.evil.example", "https:// (http:// only on loopback)"),
    ("GATEWAY_PUBLIC_URL", "https://gateway.example.com/webhooks/shopify", "end after the host"),
    ("GATEWAY_PUBLIC_URL", "https://gateway.example.com/?a=b", "end after the host"),
    ("SMAREGI_API_URL", "http://api.smaregi.jp", "https:// (http:// only on loopback)"),
    ("SMAREGI_ID_URL", "id.smaregi.jp", "a URL that begins with https://"),
    ("SMAREGI_WEBHOOK_SECRET", "0123456789abcde", "16 characters or more"),
    ("HUBSPOT_BASE_URL", "http://192.0.2.1", "https:// (http:// only on loopback)"),
    ("HUBSPOT_ACCESS_TOKEN", "Bearer pat-0", "printable ASCII without spaces"),
    ("ALERT_WEBHOOK_URL", "http://hooks.example.com/x", "https:// (http:// only on loopback)"),
)


@pytest.mark.parametrize(("name", "value", "said"), PLANTED)
def test_a_usual_mistake_is_named_with_its_mend(name: str, value: str, said: str) -> None:
    (problem,) = _problems(SHOP, **{name: value})
    assert said in problem
    assert name in problem
    assert value not in problem


def test_a_token_beside_a_client_id_is_warned_about() -> None:
    config = load(Sources(SHOP | {"SHOPIFY_CLIENT_ID": MARK}, {}))
    (warning,) = [text for text in config.warnings if "SHOPIFY_CLIENT_ID" in text]
    assert "is not used, since SHOPIFY_ACCESS_TOKEN is set too; take one of the two out" in warning
    assert MARK not in warning
    alone = load(Sources(SHOP | {"SHOPIFY_CLIENT_SECRET": MARK}, {}))  # signs webhooks
    assert not any("SHOPIFY_" in text for text in alone.warnings)


@pytest.mark.parametrize("host", ["127.0.0.1:1", "127.9.9.9", "localhost", "[::1]:1"])
def test_loopback_may_be_asked_in_the_clear(host: str) -> None:
    config = load(Sources(SHOP | {"SHOPIFY_BASE_URL": f"http://{host}/"}, {}))
    assert config.shopify.base_url == f"http://{host}"


@pytest.mark.parametrize("host", ["127.attacker.co.com", "127.0.0.1.evil", "localhost.evil", ""])
def test_loopback_is_decided_by_the_address(host: str) -> None:
    assert not is_loopback(host)


def test_the_domain_of_a_shop_is_kept_in_small_letters() -> None:
    """As webhooks name it."""
    shop = SHOP | {"SHOPIFY_STORE": "Example.MyShopify.com"}
    assert load(Sources(shop, {})).shopify.shopify_store == "example.myshopify.com"


def test_an_empty_value_counts_as_unset() -> None:
    empty = {"GATEWAY_PORT": "", "SMAREGI_LINK_FIELD": "  ", "FLAG_CRM": ""}
    config = load(Sources(SHOP | empty, {}))
    assert config.gateway.gateway_port == 8080


def test_the_secret_is_made_once_in_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    database = tmp_path / "gateway.db"
    first = Keys.load(None, database)
    path = secret_path(database)
    assert path.name == "gateway.db.secret"
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_text().strip()) >= 32
    assert Keys.load(None, database).hash(b"x", "y") == first.hash(b"x", "y")
    assert Keys.load("another secret of 16", database).hash(b"x", "y") != first.hash(b"x", "y")


def test_a_secret_that_is_too_short_is_refused_without_being_shown(tmp_path: Path) -> None:
    secret_path(tmp_path / "gateway.db").write_text("short-one")
    with pytest.raises(ConfigurationError) as caught:
        Keys.load(None, tmp_path / "gateway.db")
    assert "short-one" not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "entry"),
    [
        (f"{'x' * 16},{MARK}", "entry 2 of 2 should have 16"),
        (f"{MARK},{'x' * 16},{'y' * 16}", "entry 1 of 3 should have 16"),
        (f"{'x' * 16},{MARK}\x07{'y' * 16}", "entry 2 of 2 should have 16 printable"),
        (",", "should have 16"),
    ],
)
def test_a_secret_of_a_list_that_is_none_is_named_by_its_place(written: str, entry: str) -> None:
    (problem,) = _problems(SHOP, GATEWAY_SECRET=written)
    assert problem.startswith("GATEWAY_SECRET: ")
    assert entry in problem
    assert MARK not in problem
