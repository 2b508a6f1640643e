"""Possible duplicates: pairs of store members that may be one person, for a person to judge."""

from gateway.duplicates.comparison import ComparedField, Likeness, compare
from gateway.duplicates.finder import Finder, merged_online
from gateway.duplicates.linking import Linking
from gateway.duplicates.member_merge import MemberMerge
from gateway.duplicates.merge_plan import Plan
from gateway.duplicates.rules import POSSIBLE_FROM, Judgement, Reason, judge, judge_forms

__all__ = [
    "POSSIBLE_FROM",
    "ComparedField",
    "Finder",
    "Judgement",
    "Likeness",
    "Linking",
    "MemberMerge",
    "Plan",
    "Reason",
    "compare",
    "judge",
    "judge_forms",
    "merged_online",
]
