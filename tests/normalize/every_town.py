"""Every town of the postal data in every spelling of `SPELLINGS`, judged strictly.

    python -m tests.normalize.every_town [--every 1]

prints for each spelling how many towns were read rightly, and some that were not. All 114 000 towns
take some minutes; `--every 10` takes one in ten.
"""

import argparse
import random
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gateway.normalize import ParsedAddress, address_key, parse_address, parse_line, smaregi_line
from gateway.normalize.folding import fold_name
from gateway.normalize.places import City, places, squeezed
from tests.normalize.comparison import same
from tests.normalize.kanji import in_kanji

OLD = str.maketrans("沢浜辺桜国学竜塩広島斉高", "澤濱邊櫻國學龍鹽廣嶋齊髙")
_AREAS = """
上ノ原 三十八 烏帽子 庚申 二ツ石 五百刈 三ノ丁 十二林 イサノ 町西 大門 中島 一本木 ツノ割 八幡前
丙ノ内 千代 百目木 山ノ神 下川原 三本松 七反田 丑沢 番匠 地蔵 甲子 丁場 宮ノ前 号外 角田 北 西野
"""
AREAS = _AREAS.split()
"""小字 as they are found all over the country, among them those that look like numbers."""


@dataclass(frozen=True)
class Case:
    """One address, and what must come out of it. `town` is compared as `same` does."""

    read: Callable[[], ParsedAddress]
    text: str
    city: City
    town: str
    block: str
    building: str = ""

    def wrong(self) -> str:
        """'' where all parts are right, and where reading what we wrote gives the same."""
        found = self.read()
        if not self._is_right(found):
            return f"{self.text} -> {found.city}|{found.town}|{found.block}|{found.building}"
        line = smaregi_line(found, 400)[0]
        again = parse_line(line)
        is_same = (again.city, again.parts, again.building) == (
            found.city,
            found.parts,
            found.building,
        )
        return "" if is_same else f"{line} read again -> {again.town}|{again.block}"

    def _is_right(self, found: ParsedAddress) -> bool:
        place = found.understood and found.city == self.city.name
        place = place and found.prefecture is self.city.prefecture
        rest = found.block == self.block and found.building == self.building
        return place and rest and same(found.town, self.town)


def _line(city: City, town: str, tail: str, *, read_as: str, area: str = "", **more: str) -> Case:
    text = f"{city.prefecture.ja}{city.name}{town}{tail}"
    official = more.pop("official", town)
    return Case(lambda: parse_line(text), text, city, official + area, read_as, **more)


def _fields(city: City, town: str, *fields: str, read_as: str, building: str = "") -> Case:
    names = ("city", "address1", "address2", "postal_code")
    given = dict(zip(names, fields, strict=False))
    return Case(
        lambda: parse_address(prefecture=city.prefecture.code, **given),
        " / ".join(fields),
        city,
        town,
        read_as,
        building,
    )


def _wide(city: City, town: str, dice: random.Random) -> Case:
    return _line(city, town, "１丁目２３番地の４", read_as="1-23-4")


def _kanji(city: City, town: str, dice: random.Random) -> Case:
    number = dice.randrange(2, 200)
    return _line(city, town, f" {in_kanji(number)}番地", read_as=str(number))


def _school(city: City, town: str, dice: random.Random) -> Case:
    number = dice.choice(["12", "1234", "3"])
    tail = dice.choice(["番地", "番地の1", "-1", "番1号", "番地1"])
    return _line(city, town, number + tail, read_as=number + ("" if tail == "番地" else "-1"))


def _area(city: City, town: str, dice: random.Random) -> Case:
    area = "字" + dice.choice(AREAS)
    return _line(city, town, f"{area}123番地の4", read_as="123-4", area=area)


def _oaza(city: City, town: str, dice: random.Random) -> Case:
    return _line(city, f"大字{town}", "123番地", read_as="123", official=town)


def _lot(city: City, town: str, dice: random.Random) -> Case:
    letter = dice.choice("甲乙丙イロハ")
    return _line(city, town, f"{letter}12番地3", read_as=f"{letter}12-3")


def _side(city: City, town: str, dice: random.Random) -> Case:
    return _line(city, town, "1丁目北4番1号", read_as="1-北4-1")


def _room(city: City, town: str, dice: random.Random) -> Case:
    return _line(city, town, "1ー2ー3ー501号室", read_as="1-2-3", building="501号室")


def _spaces(city: City, town: str, dice: random.Random) -> Case:
    return _line(city, f" {town} ", "1 2 3 ABCビル 5F", read_as="1-2-3", building="ABCビル 5F")


def _old(city: City, town: str, dice: random.Random) -> Case:
    return _line(city, town.translate(OLD), "1-2-3", read_as="1-2-3", official=town)


def _split(city: City, town: str, dice: random.Random) -> Case:
    return _fields(
        city, town, city.name, f"{town}1-2-3", "ABCビル 5F", read_as="1-2-3", building="ABCビル 5F"
    )


def _twice(city: City, town: str, dice: random.Random) -> Case:
    return _fields(city, town, city.name + town, f"{town}1-2-3", read_as="1-2-3")


def _twice_below(city: City, town: str, dice: random.Random) -> Case:
    return _fields(city, town, city.name, town, f"{town}1-2-3", read_as="1-2-3")


def _number_below(city: City, town: str, dice: random.Random) -> Case:
    return _fields(city, town, city.name, town, "1-2-3", read_as="1-2-3")


def _without_ending(city: City, town: str, dice: random.Random) -> Case:
    short = re.sub("(?<=..)[市区町村]$", "", city.name)
    return _fields(city, town, short, f"{town}1-2-3", read_as="1-2-3")


def _town_without_ending(city: City, town: str, dice: random.Random) -> Case:
    """町 left out, where that is nobody else's name."""
    short = re.sub("(?<=.[^の之ノケツ])町$", "", town)
    if city.towns_without_ending().get(squeezed(fold_name(short))) != town:
        short = town
    return _line(city, short, "1-2-3", read_as="1-2-3", official=town)


def _with_ke(city: City, town: str, dice: random.Random) -> Case:
    other = re.sub("[ヶケが]", "", town)
    if len(other) < 2 or city.towns_squeezed().get(squeezed(fold_name(other))) != town:
        other = town
    return _line(city, other, "1-2-3", read_as="1-2-3", official=town)


SPELLINGS: dict[str, Callable[[City, str, random.Random], Case]] = {
    "full width": _wide,
    "kanji numerals": _kanji,
    "as schools are listed": _school,
    "小字": _area,
    "大字": _oaza,
    "甲 and イ": _lot,
    "one side of a 丁目": _side,
    "a dash before the room": _room,
    "spaces": _spaces,
    "old characters": _old,
    "in fields": _split,
    "town in two fields": _twice,
    "town in address1 and address2": _twice_below,
    "number in address2": _number_below,
    "municipality without its ending": _without_ending,
    "町 left out": _town_without_ending,
    "ケ left out": _with_ke,
}


def towns(every: int) -> Iterator[tuple[City, str]]:
    """Those that end with a number (浦臼第3) apart: nobody can tell it from the block's."""
    found = [(city, town) for city in places().cities for town in city.names_of_towns]
    return (each for each in found[::every] if not re.search("[0-9]$", each[1]))


def judged(spelling: str, every: int) -> tuple[int, list[str]]:
    """How many there were, and what was wrong."""
    dice = random.Random(spelling)
    make = SPELLINGS[spelling]
    results = [make(city, town, dice).wrong() for city, town in towns(every)]
    return len(results), [wrong for wrong in results if wrong]


def houses(every: int) -> Iterator[tuple[str, list[str]]]:
    """For each town the key of one house, and of five others in it."""
    others = ("1-2-4", "1-23", "甲1-2-3", "1-甲2-3", "1丁目北2番3号", "1区2-3")
    for city, town in towns(every):
        place = f"{city.prefecture.ja}{city.name}{town}"
        yield (
            address_key(parse_line(f"{place}1-2-3")),
            [address_key(parse_line(place + other)) for other in others],
        )


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--show", type=int, default=5)
    parser.add_argument("--spelling", choices=SPELLINGS)
    options = parser.parse_args()
    for spelling in [options.spelling] if options.spelling else SPELLINGS:
        count, wrong = judged(spelling, options.every)
        say(f"{100 - 100 * len(wrong) / count:8.3f} %  of {count}: {spelling}")
        for line in random.Random(1).sample(wrong, min(options.show, len(wrong))):
            say(f"              {line}")


if __name__ == "__main__":
    main()
