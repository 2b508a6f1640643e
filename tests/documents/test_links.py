"""Whoever follows a link arrives; each document is in the wheel, and README.md is short."""

from pathlib import Path

import pytest

from tests.documents.reading import DOCUMENTS, ROOT, SHIPPED, anchors, links, text

NAMES = [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_to_a_file_and_a_heading(name: str) -> None:
    lost = []
    for link in links(ROOT / name):
        file, _, anchor = link.partition("#")
        target = (ROOT / name).parent / file if file else ROOT / name
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


@pytest.mark.parametrize("name", NAMES)
def test_no_two_headings_of_a_document_have_one_address(name: str) -> None:
    found = anchors(ROOT / name)
    assert len(set(found)) == len(found)


def test_what_is_shipped_links_only_to_what_is_shipped() -> None:
    shipped = ROOT / "gateway"
    for path in SHIPPED:
        targets = {(path.parent / link.partition("#")[0]).resolve() for link in links(path)}
        assert {target for target in targets if not target.is_relative_to(shipped)} == set()


def test_every_document_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    ahead = [ROOT / "README.md"]
    while ahead:
        path = ahead.pop()
        if path.suffix == ".md" and path not in reached:
            reached.add(path)
            files = (link.partition("#")[0] for link in links(path))
            ahead += [(path.parent / file).resolve() for file in files if file]
    assert set(DOCUMENTS) - reached == set()


def test_the_wheel_has_every_document() -> None:
    wheel = pytest.importorskip("hatchling.builders.wheel", reason="no hatchling here")
    files = wheel.WheelBuilder(str(ROOT)).recurse_included_files()
    shipped = {file.distribution_path for file in files}
    assert {path.relative_to(ROOT).as_posix() for path in SHIPPED} <= shipped


def test_the_readme_is_short() -> None:
    assert len(text(ROOT / "README.md").splitlines()) <= 200
