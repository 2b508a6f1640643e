"""duplicates list, show and reject, as shop staff type them."""

from typing import Any

import pytest
from rich.cells import cell_len

from gateway.sandbox import Sandbox
from tests.cli.process import Finished, Shell, register

CARD = {
    "lastName": "山田",
    "firstName": "未入力",
    "mailAddress": "taro1@example.com",
    "note": "[bold]常連[/bold]\n\x1b[31m赤",
}
OLD = {
    "lastName": "山田",
    "firstName": "太郎",
    "lastKana": "ヤマダ",
    "firstKana": "タロウ",
    "mailAddress": "old@example.com",
    "birthDate": "1990-04-01",
    "postCode": "150-0043",
    "address": "東京都渋谷区道玄坂一丁目2番3号",
}
CUSTOMER = "gid://shopify/Customer/7000000000001"


@pytest.fixture
async def pair(shell: Shell, sandbox: Sandbox) -> tuple[str, str]:
    """A card without a first name, linked; the same person's old card; the database is at rest."""
    card, old = sandbox.smaregi.add(**CARD), sandbox.smaregi.add(**OLD)
    async with shell.serving() as (gateway, url):
        (answer,) = await register(url, 1)
        assert answer["channels"]["smaregi"]["reference"] == str(card)
        assert await gateway.stop() == 0
    return str(card), str(old)


async def listed(shell: Shell, *options: str) -> list[dict[str, Any]]:
    done = await shell.run("duplicates", "list", "--json", *options)
    assert done.code == 0, done.err
    return done.rows()


@pytest.mark.long
async def test_a_pair_is_listed_shown_and_rejected(shell: Shell, pair: tuple[str, str]) -> None:
    (row,) = await listed(shell)
    assert row["members"] == [int(i) for i in pair]
    assert row["shopify_customer_ids"] == [CUSTOMER, None]
    assert row["score"] == sum(reason["points"] for reason in row["reasons"])
    assert [reason["reason"] for reason in row["reasons"]] == [
        "kana_birth", "kana_postal", "name_place"
    ]  # fmt: skip
    table = await shell.run("duplicates", "list", "--min-score", str(row["score"]))
    assert "the same kana and birth date" in table.out
    assert "山田" not in table.out

    (shown,) = (await shell.run("duplicates", "show", *reversed(pair), "--json")).rows()
    assert shown["members"] == row["members"]
    assert shown["reasons"] == row["reasons"]
    fields = {line["field"]: line for line in shown["fields"]}
    assert fields["name"] == {
        "field": "name",
        "values": ["山田 未入力", "山田 太郎"],
        "online": ["山田 太郎", ""],
        "mark": "same",
    }
    assert fields["address"]["mark"] == "alike"
    assert fields["e-mail"]["mark"] == "different"

    assert (await shell.run("duplicates", "reject", *pair)).code == 0
    assert (await shell.run("duplicates", "list")).out == "No possible duplicates.\n"
    (rejected,) = await listed(shell, "--all")
    assert rejected["state"] == "rejected"


def columns_of(done: Finished) -> set[tuple[int, ...]]:
    """Where the vertical lines of each table row stand on the terminal, wide letters counted."""
    rows = [line for line in done.out.splitlines() if line.startswith("│") and "online c" in line]
    first = rows[0] if rows else ""
    table = [line for line in done.out.splitlines() if line.count("│") == first.count("│")]
    return {
        tuple(cell_len(line[:at]) for at, letter in enumerate(line) if letter == "│")
        for line in table
    }


@pytest.mark.long
async def test_side_by_side_lines_up_is_plain_text_and_is_neither_kept_nor_logged(
    shell: Shell, pair: tuple[str, str]
) -> None:
    async with shell.serving() as (gateway, _):
        done = await shell.run("duplicates", "show", *pair)
        await gateway.stop()
        said = gateway.log
    assert done.code == 0, done.err
    assert len(columns_of(done)) == 1
    assert "online: 山田 太郎" in done.out
    assert "[bold]常連[/bold]" in done.out
    assert "\x1b" not in done.out
    assert "+60" in done.out
    held = b"".join(path.read_bytes() for path in shell.folder.glob("gateway.db*"))
    for text in ("道玄坂", "山田", "太郎", "old@example.com", "1990-04-01"):
        assert text in done.out, text
        assert text.encode() not in held, text
        assert text not in said + done.err, text
