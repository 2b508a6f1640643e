"""A stand-in of `GET /customers` for very many members, in a process of its own.

    python -m tests.benchmarks.members PORT MEMBERS FOLDER

Every page is made before it serves, so that serving costs a read of a file. It answers the scan's
pages (by `customer_id-from`) and the refresh's (`upd_date_time-from`): the members of the last
`POST /change?count=N`, which get another telephone number and a new time stamp.
"""

import asyncio
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from gateway.normalize.places import places
from tests.normalize.kanji import in_kanji

__all__ = ["SEED", "Row", "Town", "a_name", "made", "one_of", "street", "towns"]

PAGE = 1000
SEED = 20261121
JST = timezone(timedelta(hours=9))
BEGAN = datetime(2026, 1, 1, tzinfo=JST)
_FAMILY_NAMES = """
佐藤 サトウ 鈴木 スズキ 高橋 タカハシ 田中 タナカ 伊藤 イトウ 渡邉 ワタナベ
山本 ヤマモト 中村 ナカムラ 小林 コバヤシ 加藤 カトウ 吉田 ヨシダ 山田 ヤマダ
佐々木 ササキ 山口 ヤマグチ 松本 マツモト 井上 イノウエ 木村 キムラ 林 ハヤシ
斎藤 サイトウ 清水 シミズ 山崎 ヤマザキ 森 モリ 池田 イケダ 橋本 ハシモト
阿部 アベ 石川 イシカワ 山下 ヤマシタ 中島 ナカジマ 石井 イシイ 小川 オガワ
前田 マエダ 岡田 オカダ 長谷川 ハセガワ 藤田 フジタ 後藤 ゴトウ 近藤 コンドウ
村上 ムラカミ 遠藤 エンドウ 青木 アオキ 坂本 サカモト 服部 ハットリ 五十嵐 イガラシ
東海林 ショウジ 髙木 タカギ 大野 オオノ 京極 キョウゴク
"""
_FAMILY = _FAMILY_NAMES.split()
_GIVEN_NAMES = """
太郎 タロウ 花子 ハナコ 翔太 ショウタ 陽子 ヨウコ 健一 ケンイチ 美咲 ミサキ
大輔 ダイスケ 裕子 ユウコ 拓也 タクヤ さくら サクラ 直樹 ナオキ 恵 メグミ
哲也 テツヤ 由美 ユミ 和夫 カズオ 久美子 クミコ 誠 マコト 愛 アイ
隆 タカシ 真由美 マユミ 一郎 イチロウ 智子 トモコ 浩 ヒロシ 結衣 ユイ
蓮 レン 陽菜 ヒナ 悠真 ユウマ 凛 リン 湊 ミナト 葵 アオイ
大翔 ヒロト 莉子 リコ 優 ユウ 明美 アケミ 博 ヒロシ 幸子 サチコ
修 オサム 京子 キョウコ 学 マナブ 順子 ジュンコ
"""
_GIVEN = _GIVEN_NAMES.split()
_SEPARATORS = ("-", "-", "-", "-", "-", "－", "ー")
_FULL_WIDTH = {ord(char): ord(char) + 0xFEE0 for char in "0123456789-"}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Town:
    """`postal_code` with its hyphen; all else as the post office writes it."""

    postal_code: str
    prefecture: str
    city: str
    name: str


def towns() -> list[Town]:
    """Some thousands, from all over Japan."""
    return [
        Town(f"{code // 10000:03}-{code % 10000:04}", one[0].prefecture.ja, one[0].name, one[1])
        for code in places().codes[::6]
        if (one := places().town_of_postal_code(f"{code:07}"))
    ]


def one_of(rng: random.Random, where: list[Town]) -> Town:
    """More of them live in some than in others."""
    return where[int(len(where) * rng.random() ** 2)]


def a_name(rng: random.Random) -> tuple[str, str, str, str]:
    """Family name and given name, and the kana of both."""
    family, given = (2 * rng.randrange(len(names) // 2) for names in (_FAMILY, _GIVEN))
    return _FAMILY[family], _GIVEN[given], _FAMILY[family + 1], _GIVEN[given + 1]


def made(count: int) -> Iterator[Row]:
    """Members 1 to `count`, always the same; in a shop with customers from all over Japan."""
    rng, where = random.Random(SEED), towns()
    for number in range(1, count + 1):
        yield _member(number, rng, where)


def _member(number: int, rng: random.Random, where: list[Town]) -> Row:
    last_name, first_name, last_kana, first_kana = a_name(rng)
    chance = rng.random()
    town = one_of(rng, where)
    updated = (BEGAN + timedelta(seconds=number % 20_000_000)).isoformat()
    mobile = (
        rng.choice(("090", "080", "070")) + f"-{rng.randrange(1000, 10_000)}-{number % 9973:04}"
    )
    return {
        "customerId": str(number),
        "customerCode": f"{number:08}",
        "customerNo": None,
        "lastName": last_name,
        "firstName": first_name,
        "lastKana": last_kana,
        "firstKana": first_kana,
        "mailAddress": f"member.{number}@example.jp" if chance < 0.6 else None,
        "birthDate": f"{rng.randrange(1935, 2010)}-{rng.randrange(1, 13):02}-{number % 28 + 1:02}",
        "mobileNumber": mobile if chance > 0.2 else None,
        "phoneNumber": f"03-{rng.randrange(3000, 7000)}-{number % 10_000:04}"
        if chance < 0.3
        else None,
        "postCode": town.postal_code if 0.05 < chance < 0.97 else None,
        "address": f"{town.prefecture}{town.city}{street(rng, town)}" if chance < 0.9 else None,
        "lastComeDateTime": updated,
        "status": "0" if chance < 0.97 else "3",
        "updDateTime": updated,
    }


def street(rng: random.Random, town: Town) -> str:
    """Town, numbers and perhaps a house, in one of the ways that people write them."""
    first, second, third = rng.randrange(1, 9), rng.randrange(1, 40), rng.randrange(1, 30)
    block = rng.choice(_SEPARATORS).join(map(str, (first, second, third)))
    form = rng.random()
    if form < 0.2:
        block = f"{first}丁目{second}番{third}号"
    elif form < 0.25:
        block = f"{in_kanji(first)}丁目{second}番地{third}"
    elif form < 0.35:
        block = block.translate(_FULL_WIDTH)
    return f"{town.name}{block}" + (f" コーポ{town.name} {third}01" if form > 0.7 else "")


class StandIn:
    """Pages in one file; what changed is kept in memory."""

    def __init__(self, count: int, path: Path) -> None:
        self.count = count
        self.changed: dict[int, Row] = {}
        self.ends = [0]
        self.rows: list[Row] = []
        self._rng = random.Random(SEED)
        with path.open("wb") as file:
            page: list[Row] = []
            for row in made(count):
                page.append(row)
                if len(page) == PAGE or row["customerId"] == str(count):
                    self._write(file, page)
                    page = []
        self.file = path.open("rb")

    def _write(self, file: Any, page: list[Row]) -> None:
        self.ends.append(self.ends[-1] + file.write(orjson.dumps(page)))

    def page(self, number: int) -> bytes:
        self.file.seek(self.ends[number])
        return self.file.read(self.ends[number + 1] - self.ends[number])

    async def customers(self, request: web.Request) -> web.Response:
        first = int(request.query["customer_id-from"])
        if "upd_date_time-from" in request.query:
            since = datetime.fromisoformat(request.query["upd_date_time-from"])
            rows = [
                row
                for member_id, row in sorted(self.changed.items())
                if member_id >= first and datetime.fromisoformat(row["updDateTime"]) >= since
            ]
            return _json(orjson.dumps(rows[:PAGE]))
        number, within = divmod(first - 1, PAGE)
        if number + 1 >= len(self.ends):
            return _json(b"[]")
        if within:
            raise web.HTTPBadRequest(text="only whole pages are served")
        return _json(self.page(number))

    async def change(self, request: web.Request) -> web.Response:
        stamp = datetime.now(UTC).astimezone(JST).isoformat(timespec="seconds")
        for _ in range(int(request.query["count"])):
            member_id = self._rng.randrange(1, self.count + 1)
            row = orjson.loads(self.page((member_id - 1) // PAGE))[(member_id - 1) % PAGE]
            phone = f"080-{self._rng.randrange(2000, 9000)}-{member_id % 10_000:04}"
            self.changed[member_id] = row | {"mobileNumber": phone, "updDateTime": stamp}
        return _json(b"{}")


async def _token(_: web.Request) -> web.Response:
    return _json(b'{"access_token": "t", "expires_in": 3600, "token_type": "Bearer"}')


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


def main(port: int, count: int, folder: Path) -> None:
    standin = StandIn(count, folder / "members.json")
    app = web.Application()
    app.add_routes(
        [
            web.post("/app/{contract}/token", _token),
            web.get("/{contract}/pos/customers", standin.customers),
            web.post("/change", standin.change),
        ]
    )
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    asyncio.set_event_loop(asyncio.new_event_loop())
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
