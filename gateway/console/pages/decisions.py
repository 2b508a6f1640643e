"""A decision about store members and links, as a form gives it, and what it would do."""

from collections.abc import Mapping
from typing import Any

from gateway import frozen
from gateway.app import Core
from gateway.console.language import N_
from gateway.customer import numeric_id
from gateway.http.control.guard import require_known
from gateway.http.control.links import planned
from gateway.store.merges import Merge

__all__ = ["KINDS", "Decision", "Wrong", "decision_of", "preview"]

KINDS: Mapping[str, tuple[str, ...]] = {
    "reject": ("one", "other"),
    "reopen": ("one", "other"),
    "merge": ("one", "other"),
    "link": ("customer", "one"),
    "unlink": ("customer",),
}
"""What can be decided, and which ids it needs: members, and Shopify's customer."""
_WRONG = N_("An id is missing or is none: a member's id in Smaregi, a customer's in Shopify.")


class Wrong(Exception):  # noqa: N818 - an answer
    """The form cannot be understood."""


@frozen
class Decision:
    what: str
    one: int = 0
    other: int = 0
    customer: int | None = None
    survivor: int | None = None
    new_member: bool = True

    @property
    def subject(self) -> str:
        """In ids, for the log of actions."""
        members = " ".join(str(i) for i in (self.one, self.other) if i)
        return f"{members} -> {self.survivor}" if self.survivor else members

    @property
    def fields(self) -> dict[str, str]:
        """As a form gives it again."""
        told = {"one": self.one, "other": self.other, "customer": self.customer,
                "survivor": self.survivor}  # fmt: skip
        given = {name: str(value) for name, value in told.items() if value}
        return {"what": self.what, **given, "new_member": "1" if self.new_member else "0"}


def decision_of(form: Mapping[str, Any]) -> Decision:
    what = str(form.get("what", ""))
    if what not in KINDS:
        raise Wrong(_WRONG)
    ids = {name: _id(name, form) for name in KINDS[what]}
    if what == "merge" and form.get("survivor"):
        ids["survivor"] = _id("survivor", form)
    if "other" in ids and ids["one"] == ids["other"]:
        raise Wrong(_WRONG)
    return Decision(what, new_member=form.get("new_member") != "0", **ids)


def _id(name: str, form: Mapping[str, Any]) -> int:
    text = str(form.get(name, "")).strip()
    try:
        found = numeric_id(text)
    except ValueError:
        raise Wrong(_WRONG) from None
    if not found:
        raise Wrong(_WRONG)
    return found


async def preview(core: Core, decision: Decision) -> dict[str, Any]:
    """`lines` in the gateway's words, or of a merge both sides. Raises Refused, UpstreamError."""
    if decision.what in {"reject", "reopen"}:
        return {}
    await require_known(core, "shopify", "smaregi")
    if decision.what == "unlink":
        lines = await core.linking.would_unlink(
            decision.customer or 0, new_member=decision.new_member
        )
        return {"lines": lines}
    if decision.what == "link":
        return {}
    found = await core.member_merge.look(decision.one, decision.other, decision.survivor)
    if isinstance(found, Merge):
        return {"begun": found}
    return {"merge": await planned(core, found, decision.one)}
