"""The commands run, however little they measure: what they start and ask changes beneath them."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.children import ROOT


def said(module: str, *arguments: str) -> str:
    command = [sys.executable, "-m", f"tests.benchmarks{module}", *arguments]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran.stdout


@pytest.mark.long
@pytest.mark.timeout(300)
def test_the_benchmark_measures_every_scene_and_draws_it(tmp_path: Path) -> None:
    plot = tmp_path / "plot.svg"
    few = ("--rounds", "1", "--registrations", "8", "--concurrency", "4")
    told = said("", *few, "--only", "gateway,floor", "--plot", str(plot))
    assert "healthy, 4 at once" in told
    assert "hanging, 4 at once" in told
    assert "shopify: without floor" in told
    assert "p50 added at 8 at once" in told
    assert plot.read_text("utf-8").startswith("<svg")


@pytest.mark.long
@pytest.mark.timeout(300)
def test_the_parts_are_those_of_every_thread() -> None:
    told = said(".parts", "8", "4")
    for part in (
        "thread of the event loop",
        "inbound HTTP",
        "settling._settle",
        "BEGIN and COMMIT",
    ):
        assert part in told
