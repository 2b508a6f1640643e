"""normalize: what each system would get, line by line, from a pipe of any length."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.forms.normalized import NotJsonError, normalized
from gateway.shopify.mapping import customer_input
from gateway.shopify.preview import answered
from tests.cli.process import MAIN
from tests.world import World, registration

CASES = (Path(__file__).parents[1] / "normalize" / "addresses.txt").read_text("utf-8")
LINES = [case.split("|")[0] for case in CASES.splitlines()[1:]]
PARTS = ("prefecture", "city", "town", "block", "building", "postal_code", "smaregi_line", "key")
BARE = {"PATH": os.environ["PATH"], "PYTHONPATH": str(MAIN.parent)}
COMMAND = [sys.executable, str(MAIN), "normalize"]

PEAK = """
import atexit, re, sys
from pathlib import Path
def told():
    status = Path("/proc/self/status").read_text()
    print(int(re.search("VmHWM:\\\\s+([0-9]+)", status)[1]) // 1024, file=sys.stderr)
atexit.register(told)
from gateway.cli import main
main(["normalize"])
"""


def of(body: Any) -> dict[str, Any]:
    return normalized(json.dumps(body).encode())


def piped(
    lines: Iterable[bytes], *, command: list[str] = COMMAND, cwd: Path | None = None, **env: str
) -> subprocess.CompletedProcess[bytes]:
    """In an environment that has nothing but what is given."""
    return subprocess.run(
        command, input=b"".join(lines), capture_output=True, check=False, cwd=cwd, env=BARE | env
    )


def texts(count: int) -> Iterator[bytes]:
    for number in range(count):
        text = f"{LINES[number % len(LINES)]} {number}号室"
        yield json.dumps({"text": text}, ensure_ascii=False).encode() + b"\n"


# -- what it says


def test_one_address_line_is_taken_apart_at_the_top_of_the_answer() -> None:
    row = of({"text": "〒150-0043 東京都渋谷区道玄坂一丁目２番３号 ABCビル 5F"})
    assert [row[name] for name in PARTS] == [
        "東京都",
        "渋谷区",
        "道玄坂",
        "1-2-3",
        "ABCビル 5F",
        "150-0043",
        "東京都渋谷区道玄坂一丁目2番3号 ABCビル 5F",
        "JP-13|渋谷区|道玄坂|1-2-3",
    ]
    assert row["understood"] is True
    assert row["errors"] == row["adjustments"] == []
    assert row["shopify"]["provinceCode"] == "JP-13"
    assert row["smaregi"] == {"postCode": "150-0043", "address": row["smaregi_line"]}
    assert row["crm"]["state"] == "東京都"


async def test_every_field_is_as_the_systems_really_get_it(world: World) -> None:
    body = registration(phone="03-1234-5678 内線12", last_kana="やまだ", first_kana="ﾀﾛｳ")
    await world.register(body)
    row = of(body)
    (member,) = world.sandbox.smaregi.members
    stored = world.sandbox.smaregi.members[member]
    assert {name: stored[name] for name in row["smaregi"]} == row["smaregi"]
    (contact,) = world.sandbox.hubspot.contacts.values()
    assert {name: contact.properties[name] for name in row["crm"]} == row["crm"]
    (customer,) = (await world.core.shopify.read([7000000000001])).values()
    assert row["shopify"]["email"] == customer.profile.email
    assert customer.profile.phone == "03-1234-5678 内線12"
    assert stored["phoneNumber"] == "03-1234-5678 x12"


@pytest.mark.parametrize("phone", ["", "090-1234-5678", "03-1234-5678 内線12", "090-0000-0000"])
def test_the_preview_of_a_customer_is_what_shopify_answers(phone: str) -> None:
    from gateway.http.forms.normalized import _Partial
    from gateway.http.forms.registration import read_form
    from gateway.shopify.mapping import to_customer
    from tests.shopify.test_mapping import stored

    profile = read_form(registration(phone=phone), _Partial).profile()
    real = to_customer(stored(customer_input(profile, "r1")))
    assert answered(profile).profile == real.profile


def test_half_a_registration_is_enough() -> None:
    row = of({"last_kana": "やまだ", "address": {"address1": "埼玉県浦和市岸町7-10-23"}})
    assert row["smaregi"]["lastKana"] == "ヤマダ"
    assert row["address"]["city"] == "さいたま市浦和区"
    assert row["address"]["understood"] is True
    assert row["errors"] == []
    assert [(each["system"], each["field"]) for each in row["adjustments"]] == [
        ("shopify", "address.city")
    ]


def test_what_the_door_would_refuse_is_named_and_the_rest_is_shown() -> None:
    row = of(
        {
            "email": "nobody",
            "last_name": "山田",
            "nonsense": 1,
            "address": {"city": "渋谷区", "postal_code": "1", "address9": "x"},
        }
    )
    fields = {error["field"] for error in row["errors"]}
    assert fields == {"email", "nonsense", "address.postal_code", "address.address9"}
    assert row["shopify"]["lastName"] == "山田"
    assert row["address"]["city"] == "渋谷区"


def test_what_is_cut_is_told_with_its_system() -> None:
    row = of({"last_name": "山" * 200, "first_name": "太郎"})
    notes = [n for n in row["adjustments"] if n["field"] == "last_name"]
    assert notes == [{"system": "smaregi", "field": "last_name", "change": "cut at 85 characters"}]


@pytest.mark.parametrize(
    "body",
    [
        {"text": "東京都渋谷区\ud800"},
        {"text": "あ" * 10_000},
        {"text": "道玄坂1-2-3🍣"},
        {"text": None},
        {"text": 5},
        {"text": ["東京都"]},
        {"text": "東京都", "more": 1},
        {"email": "\ud800"},
        {"\ud800": "x"},
        {"address": {"\udfff": "x", "city": "あ" * 10_000}},
        {"address": "東京都"},
        {"address": {"address1": {"a": [1]}}},
        {"last_name": "あ" * 10_000},
    ],
    ids=repr,
)
def test_nonsense_is_told_under_its_fields_name(body: dict[str, Any]) -> None:
    row = of(body)
    assert row["errors"]
    assert all(error["field"] and error["message"] for error in row["errors"])
    json.dumps(row, ensure_ascii=False).encode()  # no half of a character comes out


anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([*registration(), "text", "x"])


@given(st.dictionaries(NAMES, anything, max_size=5) | anything)
def test_any_json_gets_an_answer(body: Any) -> None:
    try:
        row = of(body)
    except NotJsonError:
        assert not isinstance(body, dict)
    else:
        json.dumps(row, ensure_ascii=False).encode()


# -- how it runs


def test_lines_that_are_no_objects_are_numbered_and_the_rest_goes_on(tmp_path: Path) -> None:
    good = b'{"text": "\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd"}'
    lines = (
        b"\xef\xbb\xbf" + good + b"\r\n",
        b"not json\n",
        b"\n  \n",
        b"[1]\n",
        b'{"text": "\xff"}\n',
        b"[" * 5000 + b"\n",
        b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"\n",
        b'{"text": "' + b"x" * 1_100_000 + b'"}\n',
        good,
    )
    done = piped(lines, cwd=tmp_path, LC_ALL="C", PYTHONUTF8="0")
    assert done.returncode == 1
    assert done.stderr == b""
    rows = [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]
    assert [row.get("line") for row in rows] == [None, 2, 5, 6, 7, 8, 9, None]
    assert [row.get("prefecture") for row in (rows[0], rows[-1])] == ["東京都", "東京都"]
    assert all(row["errors"][0]["message"] for row in rows[1:-1])
    assert list(tmp_path.iterdir()) == []


def test_neither_settings_nor_env_are_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FLAG_SMAREGI=nonsense\nGATEWAY_PORT=x\n")
    done = piped([b"{}\n"], cwd=tmp_path, FLAG_CRM="nonsense")
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(done.stdout.splitlines()) == 1


def test_an_answer_does_not_wait_for_the_next_line(tmp_path: Path) -> None:
    with subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path, env=BARE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(2):
            process.stdin.write(b"{}\n")
            process.stdin.flush()
            assert process.stdout.readline()
        process.stdin.close()
        assert process.wait(10) == 0


def test_a_reader_that_goes_away_is_no_failure(tmp_path: Path) -> None:
    with subprocess.Popen(
        COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=BARE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(b"".join(texts(500)))
        process.stdin.flush()
        assert process.stdout.readline()
        process.stdout.close()
        try:
            process.stdin.write(b"".join(texts(2000)))
            process.stdin.close()
        except BrokenPipeError:
            pass
        assert process.stderr.read() == b""
        assert process.wait(10) == 0


def test_no_standard_input_is_wrong_usage(tmp_path: Path) -> None:
    with (tmp_path).joinpath("x").open("wb") as closed:
        done = subprocess.run(
            COMMAND, stdin=closed.fileno(), capture_output=True, check=False, cwd=tmp_path, env=BARE
        )
    assert done.returncode == 2
    assert b"standard input cannot be read" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_told_in_a_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            COMMAND, input=b"{}", stdout=full, stderr=subprocess.PIPE, check=False, env=BARE
        )
    assert done.returncode == 1
    assert done.stderr == b"Error: standard output: No space left on device\n"


@pytest.mark.long
def test_60_000_lines_from_a_pipe_keep_their_order_in_little_memory(tmp_path: Path) -> None:
    began = time.perf_counter()
    done = piped(texts(60_000), command=[sys.executable, "-c", PEAK], cwd=tmp_path)
    seconds = time.perf_counter() - began
    assert done.returncode == 0, done.stderr
    rows = done.stdout.decode().splitlines()
    assert len(rows) == 60_000
    assert all(f'{number}号室"' in row for number, row in enumerate(rows))
    assert int(done.stderr) < 200
    assert seconds < 60
