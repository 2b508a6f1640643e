"""Who is the same person: the index of Smaregi members, and the rules."""

from gateway.matching.index import MemberIndex, MemberSource, ScanProgress
from gateway.matching.match_keys import has_another_given_name
from gateway.matching.rebuild import rebuild
from gateway.matching.rules import (
    CreateNew,
    Evidence,
    LinkTo,
    Undecided,
    choose,
    names_differ_wholly,
    preference,
    tied_members,
)

__all__ = [
    "CreateNew",
    "Evidence",
    "LinkTo",
    "MemberIndex",
    "MemberSource",
    "ScanProgress",
    "Undecided",
    "choose",
    "has_another_given_name",
    "names_differ_wholly",
    "preference",
    "rebuild",
    "tied_members",
]
