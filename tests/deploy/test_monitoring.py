"""The shipped dashboard and alert rules ask for what `/metrics` really has, and say what to do."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import promql_parser as promql
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from gateway.app.config import FLAGS
from gateway.channels import ROSTER
from gateway.outcomes import OPEN
from gateway.telemetry.families import FAMILIES
from gateway.telemetry.metrics import Metrics
from tests.documents.reading import ROOT, anchors
from tests.world import World

ROOM = ROOT / "gateway/deploy"
RULES = ROOM / "prometheus-alerts.yml"
ALERTS: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = orjson.loads((ROOM / "grafana-dashboard.json").read_bytes())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [alert["expr"] for alert in ALERTS] + [
    target["expr"] for panel in PANELS for target in panel["targets"]
]
LABELS = {name: {*labels} for _, _, name, _, labels in FAMILIES}
"""Of each family; Prometheus adds `job` and `instance`."""
VALUES = {
    "outcome": {*map(str, OPEN)},
    "channel": {spec.name for spec in ROSTER},
    "system": {"shopify", *(spec.name for spec in ROSTER)},
    "flag": {*FLAGS},
    "method": {"POST"},
    "route": {"/v1/registrations"},
    "status": {"503"},
}
_TEMPLATE = re.compile(r"\$labels\.(\w+)")
_END = re.compile(r"_(total|bucket|sum|count)$")


def nodes(query: str) -> list[Any]:
    found: list[Any] = []
    promql.walk(promql.parse(query), found.append)
    return found


def selectors(query: str) -> Iterator[tuple[str, list[Any]]]:
    """(metric, matchers) of everything that a query reads."""
    for node in nodes(query):
        if isinstance(node, promql.VectorSelector):
            yield str(node.name), list(node.matchers.matchers)
        elif isinstance(node, promql.MatrixSelector):
            selector = node.vector_selector
            yield str(selector.name), list(selector.matchers.matchers)


def of_ours(query: str) -> Iterator[tuple[str, list[Any]]]:
    return ((name, matchers) for name, matchers in selectors(query) if name != "up")


def names_in(text: bytes) -> set[str]:
    """As they are asked for: a counter by `_total`, a histogram by its three."""
    ends = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
    return {
        family.name + end
        for family in text_string_to_metric_families(text.decode())
        for end in ends[family.type]
    }


async def test_every_query_names_metrics_that_a_running_gateway_has(world: World) -> None:
    assert (await world.register()).status == 201
    exposed = names_in((await world.get("/metrics")).raw)
    asked = {name for query in QUERIES for name, _ in of_ours(query)}
    assert asked - exposed == set()


async def test_the_sums_that_the_files_rely_on_are_exposed(world: World) -> None:
    """The ages and sizes of a gateway that has done something."""
    assert (await world.register()).status == 201
    await world.settled()
    text = (await world.get("/metrics")).raw.decode()
    values = {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.labels
    }
    assert values["gateway_database_bytes"] > 0
    assert values["gateway_disk_free_bytes"] > 0
    assert values["gateway_members_refreshed_seconds"] > 0
    assert 'gateway_deliveries_overdue_seconds{channel="crm"} 0.0' in text


@pytest.mark.parametrize("query", QUERIES)
def test_every_label_of_a_query_belongs_to_its_metric(query: str) -> None:
    read = list(of_ours(query))
    for name, matchers in read:
        known = LABELS[_END.sub("", name)]
        for matcher in matchers:
            assert matcher.name in known, name
            if matcher.op == promql.MatchOp.Equal and matcher.name in VALUES:
                assert matcher.value in VALUES[matcher.name]
    labels = {"le"}.union(*(LABELS[_END.sub("", name)] for name, _ in read))
    for node in nodes(query):
        if isinstance(node, promql.AggregateExpr) and node.modifier is not None:
            assert {*node.modifier.labels} <= labels


def test_every_metric_is_in_the_dashboard() -> None:
    asked = {
        _END.sub("", name)
        for panel in PANELS
        for target in panel["targets"]
        for name, _ in of_ours(target["expr"])
    }
    assert {name for _, _, name, _, _ in FAMILIES} - asked == set()
    assert len(LABELS) == len(list(Metrics().registry.collect()))


def test_panels_have_a_title_an_explanation_and_a_place_of_their_own() -> None:
    places: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}  # fmt: skip
        assert not cells & places, panel["title"]
        places |= cells
    assert all(panel["title"] and panel["description"] for panel in PANELS)
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_every_alert_says_what_it_is_and_what_to_do(alert: dict[str, Any]) -> None:
    said = alert["annotations"]
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert re.fullmatch(r"\d+[mh]", alert["for"])
    assert said["summary"].endswith(".")
    assert said["description"].endswith(".")
    path, _, anchor = said["runbook_url"].partition("#")
    assert anchor in anchors(ROOT / path)
    known = {label for name, _ in of_ours(alert["expr"]) for label in LABELS[_END.sub("", name)]}
    assert {*_TEMPLATE.findall(" ".join(said.values()))} <= known
    assert f"`{alert['alert']}`" in (ROOT / path).read_text("utf-8") or anchor in {
        "another-shop-contract-or-account",
        "a-mass-disappearance",
    }


def test_each_alert_fires_when_it_should_and_only_then() -> None:
    """By Prometheus' own tool, with the series in `alerts.test.yml`."""
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("promtool is not installed (Debian's package prometheus has it)")
    beside = Path(__file__).with_name("alerts.test.yml")
    done = subprocess.run(
        [tool, "test", "rules", str(beside)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
