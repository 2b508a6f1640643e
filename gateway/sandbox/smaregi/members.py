"""The members a store has: a few that were touched, and up to a million that never were."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from gateway.sandbox.smaregi.fields import Member, blank

JST = timezone(timedelta(hours=9))
_MINUTE = 60
_OLDEST_DAYS = 40  # a filled member was last changed at least this long ago

_NAMES = (
    ("山田", "ヤマダ", "太郎", "タロウ", "1"),
    ("佐藤", "サトウ", "花子", "ハナコ", "2"),
    ("鈴木", "スズキ", "一郎", "イチロウ", "1"),
    ("髙橋", "タカハシ", "美咲", "ミサキ", "2"),
    ("田中", "タナカ", "健", "ケン", "1"),
    ("渡邉", "ワタナベ", "陽菜", "ヒナ", "2"),
    ("伊藤", "イトウ", "翔", "ショウ", "1"),
    ("﨑山", "サキヤマ", "結衣", "ユイ", "2"),
    ("中村", "ナカムラ", "大輔", "ダイスケ", "1"),
    ("小林", "コバヤシ", "さくら", "サクラ", "2"),
    ("加藤", "カトウ", "蓮", "レン", "1"),
)
_TOWNS = (
    ("150-0043", "東京都渋谷区道玄坂"),
    ("530-0001", "大阪府大阪市北区梅田"),
    ("460-0008", "愛知県名古屋市中区栄"),
    ("810-0001", "福岡県福岡市中央区天神"),
    ("060-0042", "北海道札幌市中央区大通西"),
)


def iso(seconds: float) -> str:
    """Unix seconds as Smaregi writes them: Japanese time, whole seconds."""
    return datetime.fromtimestamp(int(seconds), UTC).astimezone(JST).isoformat()


@dataclass(frozen=True, slots=True)
class Fill:
    """`count` members with ids from `first`, each derived from its id alone when it is read."""

    first: int
    count: int
    seed: int
    now: int

    def __contains__(self, member_id: int) -> bool:
        return self.first <= member_id < self.first + self.count

    def updated(self, member_id: int) -> int:
        """Unix seconds of the last change: a minute apart, in the order of the ids."""
        newest = self.now - _OLDEST_DAYS * 86400
        return newest - (self.first + self.count - 1 - member_id) * _MINUTE

    def between(self, oldest: int, newest: int) -> range:
        """Ids of the members last changed within these Unix seconds."""
        start = self.updated(self.first)
        low = max(0, -(-(oldest - start) // _MINUTE))
        high = min(self.count, (newest - start) // _MINUTE + 1)
        return range(self.first + low, self.first + max(low, high))

    def code(self, member_id: int) -> str:
        return f"{member_id:08d}"

    def row(self, member_id: int) -> Member:
        mixed = (member_id * 2654435761 + self.seed * 40503) & 0xFFFFFFFF
        last, last_kana, *_ = _NAMES[mixed % len(_NAMES)]
        _, _, first, first_kana, sex = _NAMES[(mixed >> 8) % len(_NAMES)]
        post_code, town = _TOWNS[(mixed >> 4) % len(_TOWNS)]
        member = blank()
        member.update(
            customerCode=self.code(member_id),
            lastName=last,
            lastKana=last_kana,
            firstName=first,
            firstKana=first_kana,
            sex=sex,
            postCode=post_code,
            address=f"{town}{mixed % 9 + 1}-{mixed % 31 + 1}",
            phoneNumber=f"090-{mixed % 10000:04d}-{member_id % 10000:04d}",
            mailAddress=f"member{member_id}@example.jp" if mixed % 5 else "",
            birthDate=f"{1940 + mixed % 65}-{mixed % 12 + 1:02d}-{mixed % 28 + 1:02d}",
            point=str(mixed % 3000),
            updDateTime=iso(self.updated(member_id)),
            insDateTime=iso(self.updated(member_id)),
        )
        return member


class Members(MutableMapping[int, Member]):
    """Members by `customerId`. Reading one through `[...]` gives the live, changeable record;
    what is changed so behind the till's back moves no `updDateTime` and sends no webhook.
    """

    def __init__(self) -> None:
        self._ids: array[int] = array("Q")
        self._rows: dict[int, Member] = {}
        self._touched: dict[int, int] = {}
        self._codes: dict[str, int] = {}
        self._numbers: dict[str, int] = {}
        self._fill: Fill | None = None
        self._next = 1

    def fill(self, count: int, seed: int, now: float) -> range:
        """Adds `count` members that cost no memory until they are touched; their ids."""
        if self._fill is not None:
            raise ValueError("the members were filled already")
        self._fill = Fill(self._next, count, seed, int(now))
        ids = range(self._next, self._next + count)
        self._ids.extend(ids)
        self._next += count
        return ids

    def row(self, member_id: int) -> Member | None:
        """The record to be read only, or None."""
        if (row := self._rows.get(member_id)) is not None:
            return row
        if self._fill is not None and member_id in self._fill and self._has(member_id):
            return self._fill.row(member_id)
        return None

    @property
    def next_id(self) -> int:
        return self._next

    def new_id(self) -> int:
        self._next += 1
        return self._next - 1

    def put(self, member_id: int, member: Member, now: float) -> None:
        """Stores a record with its time of change (Unix seconds), and keeps the indexes right."""
        if not self._has(member_id):
            self._ids.insert(bisect_left(self._ids, member_id), member_id)
            self._next = max(self._next, member_id + 1)
        self._forget(member_id)
        member["updDateTime"] = iso(now)
        member["insDateTime"] = member["insDateTime"] or iso(now)
        self._rows[member_id] = member
        self._touched[member_id] = int(now)
        self._codes[member["customerCode"] or ""] = member_id
        if number := member["customerNo"]:
            self._numbers[number] = member_id

    def with_code(self, code: str) -> int | None:
        """The member whose `customerCode` this is."""
        if (known := self._codes.get(code)) is not None:
            return known
        fill = self._fill
        if fill is None or not (code.isascii() and code.isdigit() and len(code) <= 20):
            return None
        member_id = int(code)
        untouched = member_id in fill and member_id not in self._rows and self._has(member_id)
        return member_id if untouched and fill.code(member_id) == code else None

    def with_number(self, number: str) -> int | None:
        """The member whose `customerNo` this is."""
        return self._numbers.get(number)

    def between_ids(self, low: int, high: int) -> "array[int]":
        """Ids from `low` to `high`, both included, in order."""
        return self._ids[bisect_left(self._ids, low) : bisect_right(self._ids, high)]

    def changed(self, oldest: int, newest: int) -> list[int]:
        """Ids of the members last changed within these Unix seconds, in order."""
        touched = [i for i, at in self._touched.items() if oldest <= at <= newest]
        old = self._fill.between(oldest, newest) if self._fill else range(0)
        return sorted([*touched, *(i for i in old if i not in self._touched and self._has(i))])

    def updated(self, member_id: int) -> int:
        """Unix seconds of a member's last change."""
        if (at := self._touched.get(member_id)) is not None:
            return at
        return self._fill.updated(member_id) if self._fill else 0

    def newest(self, count: int) -> list[tuple[int, Member]]:
        """The members with the highest ids, the newest first."""
        ids = self._ids[max(0, len(self._ids) - count) :]
        return [(i, row) for i in reversed(ids) if (row := self.row(i)) is not None]

    def __getitem__(self, member_id: int) -> Member:
        row = self.row(member_id)
        if row is None:
            raise KeyError(member_id)
        if member_id not in self._rows:
            self._rows[member_id] = row
            self._touched[member_id] = self.updated(member_id)
            self._codes[row["customerCode"] or ""] = member_id
        return row

    def __setitem__(self, member_id: int, member: Member) -> None:
        self.put(member_id, member, datetime.now(UTC).timestamp())

    def __delitem__(self, member_id: int) -> None:
        if not self._has(member_id):
            raise KeyError(member_id)
        del self._ids[bisect_left(self._ids, member_id)]
        self._forget(member_id)
        self._rows.pop(member_id, None)
        self._touched.pop(member_id, None)

    def __iter__(self) -> Iterator[int]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)

    def _has(self, member_id: int) -> bool:
        at = bisect_left(self._ids, member_id)
        return at < len(self._ids) and self._ids[at] == member_id

    def _forget(self, member_id: int) -> None:
        """Drops a record's old code and number from the indexes."""
        for index in (self._codes, self._numbers):
            for text in {t for t in self._texts(member_id) if index.get(t) == member_id}:
                del index[text]

    def _texts(self, member_id: int) -> tuple[str, ...]:
        row = self._rows.get(member_id) or {}
        return tuple(text for name in ("customerCode", "customerNo") if (text := row.get(name)))
