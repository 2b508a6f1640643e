"""Decides: text -> rule -> decision. Nothing here sends, stores, reads a file or knows a channel.

`load` turns the text of two mappings into a `FlagSet`; `Flag.decide` turns a flag and a
customer into a `Decision`; `combine` lets the stricter of two decisions win.
"""

from flags.decision import Decision, Mode, Reason, combine
from flags.flag import Change, Flag, FlagSet, Source
from flags.load import FlagError, load

__all__ = [
    "Change",
    "Decision",
    "Flag",
    "FlagError",
    "FlagSet",
    "Mode",
    "Reason",
    "Source",
    "combine",
    "load",
]
