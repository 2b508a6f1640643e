"""Who is the same person: the index of Smaregi members, and the rules."""

from gateway.matching.index import MemberIndex, MemberSource, ScanProgress
from gateway.matching.rebuild import rebuild
from gateway.matching.rules import CreateNew, Evidence, LinkTo, Undecided, choose, preference

__all__ = [
    "CreateNew",
    "Evidence",
    "LinkTo",
    "MemberIndex",
    "MemberSource",
    "ScanProgress",
    "Undecided",
    "choose",
    "preference",
    "rebuild",
]
