"""20 000 people with known truth: no wrong link that the records speak against."""

import sys
from collections import Counter

import pytest

from tests.duplicates.judging import judge_town
from tests.duplicates.population import PEOPLE, make_town


def test_no_link_goes_against_the_records_and_the_list_finds_what_no_e_mail_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    verdict = judge_town(make_town())
    with capsys.disabled():
        sys.stdout.write("\n".join(["", *verdict.lines(), ""]))
    assert verdict.wrong_against_evidence == []
    assert len(verdict.links) > 1000
    assert verdict.recognised_or_listed > 2 * verdict.recognised_by_email
    assert verdict.recognised_or_listed / verdict.with_record > 0.85
    assert verdict.listed_true / verdict.listed > 0.9
    assert verdict.likely_true / verdict.likely > 0.98


@pytest.mark.long
def test_the_town_has_links_that_only_the_evidence_prevents() -> None:
    """Else the figure above would say nothing."""
    assert judge_town(make_town(6000), link_contradicted=True).wrong_against_evidence


def test_the_town_has_every_kind_of_trouble() -> None:
    town = make_town()
    assert len(town.people) == PEOPLE
    assert len({person.id for person in town.people}) == PEOPLE
    names = Counter((person.home, person.birth) for person in town.people)
    assert max(names.values()) >= 2  # twins
    for shared in ("email", "mobile"):
        counts = Counter(getattr(person, shared) for person in town.people)
        assert sum(count > 1 for count in counts.values()) > 50
    records = Counter(record.person for record in town.records)
    assert sum(count > 1 for count in records.values()) > 500
    rows = [record.row for record in town.records]
    for name in ("mailAddress", "mobileNumber", "lastKana", "birthDate", "address"):
        assert 0.2 < sum(bool(row.get(name)) for row in rows) / len(rows) < 0.95
    written = "".join(row["lastName"] + row.get("firstKana", "") for row in rows)
    for sign in "髙邊ｶか":
        assert sign in written


def test_a_seed_makes_the_same_town() -> None:
    assert make_town(500) == make_town(500)
    assert make_town(500) != make_town(500, seed=1)
