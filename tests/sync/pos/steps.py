"""What may happen to a customer: changes from three sides, webhooks, faults."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

__all__ = ["Admin", "Patch", "Till", "Trouble", "Webhooks", "steps"]

PHONES = ("080-1111-22{:02}", "03-5555-66{:02}")


@dataclass(frozen=True)
class Patch:
    """The storefront changes a profile; None clears."""

    body: dict[str, Any]


@dataclass(frozen=True)
class Admin:
    """Somebody changes the customer in Shopify's admin."""

    changes: dict[str, Any]


@dataclass(frozen=True)
class Till:
    """Staff change the member."""

    changes: dict[str, Any]


@dataclass(frozen=True)
class Webhooks:
    """What both vendors kept back is sent, shuffled; some of it never."""

    repeat: int
    lose: float


@dataclass(frozen=True)
class Trouble:
    system: str
    kind: str


def some(values: dict[str, list[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    optional = {name: st.sampled_from(found) for name, found in values.items()}
    return st.fixed_dictionaries({}, optional=optional).filter(bool)


PLACE = {"postal_code": "530-0001", "city": "大阪市北区", "address1": "梅田1-1"}
patches = some(
    {
        "last_name": ["山田", "佐藤"],
        "last_kana": ["ヤマダ", "さとう", None],
        "phone": [*PHONES, None],
        "birth_date": ["1990-04-01", None],
        "accepts_marketing": [True, False],
        "address": [PLACE, None],
    }
)
edits = some(
    {
        "lastName": ["鈴木", "髙橋"],
        "last_kana": ["スズキ"],
        "phone": ["+8180333344{:02}", None],
        "city": ["札幌市中央区", "渋谷区"],
    }
)
tills = st.one_of(
    some(
        {
            "lastName": ["田中", "佐藤", "ﾔﾏﾀﾞ"],
            "lastKana": ["タナカ", None],
            "birthDate": ["1991-05-02", None],
        }
    ),
    st.sampled_from(
        [
            {"mobileNumber": "080777788{:02}", "phoneNumber": None},
            {"mobileNumber": "080-9999-0000", "phoneNumber": None},  # of others too
            {"mobileNumber": None, "phoneNumber": "03-9999-00{:02}"},
            {"mobileNumber": None, "phoneNumber": None},
            {"postCode": "1000001", "address": "東京都千代田区千代田１丁目１番"},
            {
                "postCode": "604-8005",
                "address": "京都市中京区河原町通三条上る恵比須町427 京都朝日会館 3F",
            },
            {"postCode": None, "address": None},
        ]
    ),
)
changes = st.one_of(
    st.builds(Patch, patches),
    st.builds(Admin, edits),
    st.builds(Till, tills),
    st.builds(Till, tills),
)
steps = st.one_of(
    changes,
    changes,
    st.builds(Webhooks, st.integers(1, 3), st.sampled_from([0.0, 0.0, 0.3, 1.0])),
    st.builds(
        Trouble,
        st.sampled_from(["shopify", "smaregi", "crm"]),
        st.sampled_from(["drop", "reset", "status", "half"]),
    ),
)
