"""Mends of who is who: members, contacts, merges and deletions."""

from tests.simulation.faults.taking_out import Change, Fault

__all__ = ["MEMBERS"]


MEMBERS: tuple[Fault, ...] = (
    Fault(
        "1 a refresh that fails between its pages leaves members out",
        "broken_refresh",
        (
            Change(
                "gateway.matching.index:MemberIndex._changes",
                'earlier(newest, took) if high == HIGHEST_ID else ""',
                "newest",
            ),
        ),
    ),
    Fault(
        "2 a refresh that read first writes an older row over a newer one",
        "till",
        (
            Change(
                "gateway.matching.written:WrittenRows.meet",
                "by.refresh <= refresh and known",
                "known",
            ),
            Change(
                "gateway.store.members:_upsert_sql",
                "{_CHANGED}",
                "{_CHANGED.partition(' AND (excluded')[0]}",
            ),
        ),
    ),
    Fault(
        "5 a contact of another customer is taken over",
        "given_up",
        (
            Change(
                "gateway.channels.crm.hubspot.owners:Owners._other",
                "for other in {linked",
                "for other in set() and {linked",
            ),
        ),
    ),
    Fault(
        "13 a merge that failed is taken for one",
        "failed_merge",
        (
            Change(
                "gateway.sync.webhooks.verification:shopify_event",
                "!= _COMPLETED:",
                "!= _COMPLETED and False:",
            ),
        ),
    ),
    Fault(
        "14 our own late create is linked to itself",
        "unlinked",
        (
            Change(
                "gateway.channels.smaregi.channel:Smaregi.deliver",
                "if found and self._is_among(found, work):",
                "if False:",
            ),
            Change(
                "gateway.channels.smaregi.member_number:MemberNumbers._old_number",
                "if not old or old == str(link.customer_id):",
                "if not old:",
            ),
        ),
    ),
    Fault(
        "22 that their customers were merged replaces what was known of a pair",
        "alike",
        (
            Change(
                "gateway.duplicates.finder:merged_online",
                "r for r in Reason if pair and r in pair.reasons",
                "r for r in Reason if False",
            ),
        ),
    ),
    Fault(
        "22 that their customers were merged is lost at the next look",
        "alike",
        (
            Change(
                "gateway.duplicates.finder:examine",
                "if Reason.MERGED_ONLINE in pair.reasons",
                "if False",
            ),
        ),
    ),
    Fault(
        "22 a list lacks pairs and does not say so",
        "alike",
        (
            Change(
                "gateway.store.duplicate_queue:waiting",
                'SELECT count(*) FROM duplicate_queue"',
                'SELECT count(*) FROM duplicate_queue WHERE customer_id IS NULL"',
            ),
        ),
    ),
    Fault(
        "a customer who was merged is taken for one who was deleted",
        "alike",
        (
            Change(
                "gateway.sync.webhooks.shopify:CustomerEvents._gone",
                "if not said and now - since < self.unsaid:",
                "if not said and 0 <= age < self.grace:",
            ),
        ),
    ),
    Fault(
        "a member that is just leaving is linked to somebody",
        "deleted",
        (
            Change(
                "gateway.channels.smaregi.ownership:RecordOwnership.hold",
                "if self._claims.claim(link.reference, link.customer_id):",
                "if True:",
            ),
        ),
    ),
    Fault(
        "a property that HubSpot made is left out",
        "made_property",
        (
            Change(
                "gateway.channels.crm.hubspot.properties:Properties._make",
                "await self._was_made(name, answer)",
                "False",
            ),
        ),
    ),
)
