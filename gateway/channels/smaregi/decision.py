"""Decides which member a customer is: by the index, the rules and what a person has said."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from gateway.channels.base import Work
from gateway.channels.smaregi.client import SmaregiClient
from gateway.channels.smaregi.ownership import RecordOwnership, conflict, row_of
from gateway.channels.smaregi.settings import SmaregiSettings
from gateway.customer import Profile
from gateway.matching import (
    CreateNew,
    LinkTo,
    MemberIndex,
    Undecided,
    choose,
    has_another_given_name,
    names_differ_wholly,
    tied_members,
)
from gateway.outcomes import Match
from gateway.store.members import Member

__all__ = ["MatchDecision", "ids"]

_POINTS_READ = 10
"""If at most so many members share an e-mail, their points decide; otherwise the lowest id."""


class MatchDecision:
    def __init__(
        self,
        client: SmaregiClient,
        index: MemberIndex,
        ownership: RecordOwnership,
        settings: Callable[[], SmaregiSettings],
    ) -> None:
        self._client = client
        self._index = index
        self._ownership = ownership
        self._settings = settings

    async def decide(
        self, work: Work, found: Iterable[Member], *, proven: bool
    ) -> LinkTo | CreateNew:
        """Chooses among members with this e-mail. `proven`: it is the customer's."""
        profile = work.customer.profile
        candidates = [m for m in found if self._ownership.is_free(m.member_id, work.customer.id)]
        if not candidates:
            return CreateNew()
        choice = choose(
            await self._with_points(candidates, profile),
            self._index.evidence(profile),
            link_contradicted=self._settings().smaregi_link_contradicted,
        )
        if isinstance(choice, Undecided):
            raise conflict(choice.reason)
        if isinstance(choice, LinkTo):
            if not proven and await self._is_another(choice.member, profile):
                return CreateNew((choice.member, *choice.others))
            if not (proven or self._settings().smaregi_link_unverified):
                raise conflict("the e-mail is not verified (SMAREGI_LINK_UNVERIFIED=false)")
            if await self._ownership.owners(row_of(choice.member), besides=work.customer.id):
                raise conflict("the store member with this e-mail belongs to another customer")
        return choice

    async def _is_another(self, member: Member, profile: Profile) -> bool:
        """Whether the member's given name differs both in kanji and in kana, so that an unproven
        e-mail is not enough. The index has whole names: only if both differ the row is read.
        """
        evidence = self._index.evidence(profile)
        if not names_differ_wholly(member, evidence):
            return False
        row = await self._client.by_id(str(member.member_id))
        return row is not None and has_another_given_name(row, profile)

    async def _with_points(self, found: Sequence[Member], profile: Profile) -> Sequence[Member]:
        """Their points, if these decide which of them it is: of a few, read right now."""
        contradicted = self._settings().smaregi_link_contradicted
        tied = tied_members(found, self._index.evidence(profile), link_contradicted=contradicted)
        if not 1 < len(tied) <= _POINTS_READ:
            return found
        balances = await asyncio.gather(*(self._client.balance(str(each)) for each in tied))
        points = dict(zip(tied, balances, strict=True))
        return [replace(each, points=points.get(each.member_id) or 0) for each in found]

    async def again(self, member_id: str, work: Work, linked: bool) -> Match:
        """What an attempt had decided that died after its write."""
        found = await self._index.by_email(work.customer.profile.email)
        pool = [m for m in found if linked or str(m.member_id) != member_id]
        evidence = self._index.evidence(work.customer.profile)
        choice = choose(pool, evidence, link_contradicted=linked)
        if isinstance(choice, LinkTo):
            others = ids((choice.member, *choice.others))
            rest = tuple(i for i in others if str(i) != member_id)
            return Match(rest, choice.signup_evidence if linked else None)
        return Match(ids(choice.possible) if isinstance(choice, CreateNew) and not linked else ())


def ids(members: Iterable[Member]) -> tuple[int, ...]:
    return tuple(member.member_id for member in members)
