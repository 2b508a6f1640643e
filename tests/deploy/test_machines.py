"""The shipped container, unit and proxy files name what is there, and expose what is public."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from gateway.cli import COMMANDS
from gateway.http.server import ROOMS
from tests.deploy.proxied import ROOM, locations, plain_nginx
from tests.documents.reading import ROOT

DOCKERFILE = (ROOM / "Dockerfile").read_text("utf-8")
UNIT = (ROOM / "registration-gateway.service").read_text("utf-8")
CADDYFILES = {
    name: (ROOM / name).read_text("utf-8") for name in ("Caddyfile", "Caddyfile.postgres")
}
COMPOSED = {
    name: yaml.safe_load((ROOM / name).read_text("utf-8"))
    for name in ("compose.yaml", "compose.postgres.yaml", "compose.sandbox.yaml")
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SCRIPT = "registration-gateway"

PRIVATE = {"/healthz", "/readyz", "/metrics", "/docs", "/docs/{file}"}
"""And everything below `/v1/deliveries`: an operator's."""
ROUTES = sorted({str(getattr(route, "path", "")) for room in ROOMS for route in room.routes})


def is_private(route: str) -> bool:
    return route in PRIVATE or route.startswith("/v1/deliveries")


def nginx_passes(path: str) -> bool:
    exact, prefixes = locations()
    return path in exact or path.startswith(tuple(prefixes))


def caddy_passes(path: str) -> bool:
    (listed,) = {re.findall(r"@public path (.+)", text)[0] for text in CADDYFILES.values()}
    return any(
        path.startswith(each[:-1]) if each.endswith("*") else path == each
        for each in listed.split()
    )


@pytest.mark.parametrize("passes", [nginx_passes, caddy_passes])
@pytest.mark.parametrize("route", ROUTES)
def test_a_proxy_passes_on_what_is_public_and_nothing_else(
    passes: Callable[[str], bool], route: str
) -> None:
    path = re.sub(r"\{[^}]+\}", "7000000000001", route)
    assert passes(path) is not is_private(route)


@pytest.mark.parametrize("passes", [nginx_passes, caddy_passes])
@pytest.mark.parametrize("path", ["/", "/admin", "/admin/login", "/metrics/", "/v1", "/webhooks/"])
def test_a_proxy_shows_nobody_the_console(passes: Callable[[str], bool], path: str) -> None:
    assert not passes(path)


def instructions(name: str) -> list[str]:
    """What stands behind each `name` of the Dockerfile, on one line."""
    joined = DOCKERFILE.replace("\\\n", " ")
    return [line.split(" ", 1)[1].strip() for line in joined.splitlines() if line.startswith(name)]


def typed(words: list[str]) -> None:
    """A command of ours, with options that it has."""
    import importlib

    import click

    command: click.Command = importlib.import_module(f"gateway.cli.{words[0]}").command
    known = {option for parameter in command.params for option in parameter.opts}
    assert words[0] in COMMANDS
    assert {word for word in words[1:] if word.startswith("-")} <= known


def test_what_the_image_is_made_of_is_there_and_may_be_sent_to_the_build() -> None:
    ignored = (ROOM / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    sources = {
        source
        for copied in instructions("COPY")
        if not copied.startswith("--from")
        for source in copied.split()[:-1]
    }
    assert sources == allowed
    assert all((ROOT / source).exists() for source in sources)
    assert "*" in ignored


def test_the_image_runs_our_commands_as_nobody_in_particular() -> None:
    import json

    assert PROJECT["scripts"] == {SCRIPT: "gateway.cli:main"}
    assert [json.loads(each) for each in instructions("ENTRYPOINT")] == [[SCRIPT]]
    typed(json.loads(instructions("CMD")[-1]))
    (health,) = instructions("HEALTHCHECK")
    script, *words = json.loads(health[health.index("[") :])
    assert script == SCRIPT
    typed(words)
    assert instructions("USER") == ["10001:10001"]
    assert instructions("VOLUME") == ["/data"]
    assert "GATEWAY_DATA_DIR=/data" in DOCKERFILE


@pytest.mark.parametrize("name", COMPOSED)
def test_what_compose_starts_is_there_and_may_do_little(name: str) -> None:
    composed = COMPOSED[name]
    for service in composed["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert (
                source in composed["volumes"] or source == "./settings" or (ROOM / source).exists()
            )
        if "build" in service:
            assert (ROOM / service["build"]["context"]).resolve() == ROOT.resolve()
            assert (ROOT / service["build"]["dockerfile"]).exists()
            assert service["tmpfs"] == ["/tmp"]
            typed(service.get("command", ["serve"]))


@pytest.mark.parametrize(
    ("name", "caddyfile"),
    [("compose.yaml", "Caddyfile"), ("compose.postgres.yaml", "Caddyfile.postgres")],
)
def test_only_the_proxy_of_compose_is_reached_from_outside(name: str, caddyfile: str) -> None:
    services = COMPOSED[name]["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    asked = re.findall(r"reverse_proxy (.+) \{", CADDYFILES[caddyfile])[0].split()
    assert asked == [f"{name}:8080" for name, service in services.items() if "build" in service]


def unit(name: str) -> str:
    (value,) = re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)
    return str(value)


def test_the_unit_starts_serve_and_waits_for_its_end() -> None:
    program, module, package, *words = unit("ExecStart").split()
    assert program.endswith("/.venv/bin/python")
    assert (module, package) == ("-m", "gateway")
    typed(words)
    assert unit("Type") == "notify"
    assert int(unit("TimeoutStopSec")) > 10  # the contract's


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def need(program: str) -> str:
    beside = Path(sys.executable).with_name(program)
    found = str(beside) if beside.exists() else shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def test_hadolint_finds_nothing() -> None:
    checked = run(need("hadolint"), str(ROOM / "Dockerfile"))
    assert checked.returncode == 0, checked.stdout


def test_systemd_understands_the_unit_and_thinks_it_safe(tmp_path: Path) -> None:
    analyze = need("systemd-analyze")
    path = tmp_path / "registration-gateway.service"
    path.write_text(UNIT.replace(unit("ExecStart").split()[0], sys.executable))
    verified = run(analyze, "verify", "--recursive-errors=no", str(path))
    assert (verified.returncode, verified.stderr) == (0, "")
    judged = run(analyze, "security", "--offline=yes", "--threshold=20", str(path))
    assert judged.returncode == 0, judged.stdout


def test_nginx_understands_its_sample(tmp_path: Path) -> None:
    nginx = need("nginx")
    checked = run(
        nginx, "-t", "-q", "-p", str(tmp_path), "-c", str(plain_nginx(tmp_path, 80, 8080))
    )
    assert checked.returncode == 0, checked.stderr


def test_caddy_understands_its_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    caddy = need("caddy")
    monkeypatch.setenv("SITE", "signup.example.com")
    adapted = run(caddy, "adapt", "--config", str(ROOM / "Caddyfile"), "--adapter", "caddyfile")
    assert adapted.returncode == 0, adapted.stderr


@pytest.mark.parametrize("name", COMPOSED)
def test_compose_understands_its_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = need("docker")
    if run(docker, "compose", "version").returncode != 0:
        pytest.skip("docker has no compose here")
    monkeypatch.setenv("SITE", "signup.example.com")
    checked = run(docker, "compose", "-f", str(ROOM / name), "config", "--quiet")
    assert checked.returncode == 0, checked.stderr
