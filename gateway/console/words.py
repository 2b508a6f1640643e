"""Our closed sets in words for people, and how each is shown: a tone, which has colour and icon."""

from collections.abc import Iterator, Mapping

from gateway.alerts import notices, wording
from gateway.channels import ROSTER
from gateway.console.language import N_
from gateway.duplicates import Reason, steps

__all__ = ["label", "tone", "words"]

_LABELS: Mapping[str, str] = {
    # outcomes
    "delivered": N_("Delivered"),
    "pending": N_("Under way"),
    "retrying": N_("Tried again later"),
    "failed": N_("Failed"),
    "held": N_("Held"),
    "skipped": N_("Skipped"),
    "dry_run": N_("Dry run"),
    "discarded": N_("Discarded"),
    # what a replay says beside them
    "waiting": N_("Waits for Shopify"),
    "busy": N_("Being tried already"),
    "left": N_("Left: its flag keeps it"),
    # states of a system
    "working": N_("Working"),
    "paused": N_("Paused"),
    "another": N_("Another one than before"),
    "unknown": N_("Unknown"),
    "on": N_("On"),
    "off": N_("Off"),
    "hold": N_("On hold"),
    # error classes
    "connection": N_("No connection"),
    "timeout": N_("Too slow"),
    "rate_limit": N_("Too many requests"),
    "unavailable": N_("Not available"),
    "auth": N_("Credentials refused"),
    "invalid_data": N_("Data refused"),
    "duplicate": N_("There already"),
    "conflict": N_("Conflict"),
    "too_late": N_("Too late"),
    "unexpected": N_("Not understood"),
    # kinds
    "registration": N_("Sign-up"),
    "update": N_("Profile change"),
    "backfill": N_("Backfill"),
    "removal": N_("Removal"),
    # channels
    "shopify": N_("Shopify"),
    "smaregi": N_("Smaregi"),
    "crm": N_("HubSpot"),
    "email": N_("E-mail"),
    # orders of a list
    "newest": N_("Newest first"),
    "oldest": N_("Oldest first"),
    "next": N_("Next try first"),
    "tries": N_("Most tries first"),
    # jobs
    "replay": N_("Send again"),
    "discard": N_("Discard"),
    "running": N_("Running"),
    "done": N_("Done"),
    "cancelled": N_("Cancelled"),
    "broken": N_("Broken off"),
    # actions
    "sign_in": N_("Signed in"),
    "probe": N_("Tried a system"),
    "cancel": N_("Stopped a run"),
    "look_at_pair": N_("Looked at two members"),
    "reject": N_("Two people"),
    "reopen": N_("Open again"),
    "merge": N_("Merge"),
    "link": N_("Link"),
    "unlink": N_("Unlink"),
    "find_person": N_("Looked for a person"),
    "reveal": N_("Saw a person's values"),
    "send_again": N_("Sent again"),
    "settle_points": N_("Settled points"),
    "privacy_show": N_("Showed what is held about a person"),
    "privacy_erase": N_("Erased a person here"),
    "command": N_("Command"),
    # states of reserved points
    "active": N_("Can be used"),
    "closing": N_("Ending"),
    "used": N_("Used"),
    "released": N_("Given back"),
    "refused": N_("Refused"),
    # by what a person is looked for
    "by_email": N_("E-mail"),
    "by_phone": N_("Phone"),
    "by_number": N_("Member number or card"),
    "by_shopify_id": N_("Shopify customer id"),
    # what the systems have
    "field_email": N_("E-mail"),
    "field_name": N_("Name"),
    "field_kana": N_("Kana"),
    "field_phone": N_("Phone"),
    "field_birth_date": N_("Birth date"),
    "field_gender": N_("Gender"),
    "field_postal_code": N_("Postal code"),
    "field_address": N_("Address"),
    "field_accepts_marketing": N_("Wants mail"),
    "gone": N_("Gone"),
    "missing": N_("missing"),
    "yes": N_("yes"),
    "no": N_("no"),
    "settings": N_("Settings are missing"),
    # states of a pair
    "open": N_("To be judged"),
    "rejected": N_("Two people"),
    "merged": N_("Merged"),
    # what two members say
    "same": N_("same"),
    "alike": N_("alike"),
    "different": N_("different"),
    "on one side only": N_("on one side"),
    "member number": N_("Member number"),
    "second number": N_("Second number"),
    "status": N_("Status"),
    "name": N_("Name"),
    "kana": N_("Kana"),
    "birth date": N_("Birth date"),
    "sex": N_("Sex"),
    "e-mail": N_("E-mail"),
    "mobile": N_("Mobile"),
    "phone": N_("Phone"),
    "postal code": N_("Postal code"),
    "address": N_("Address"),
    "points": N_("Points"),
    "last seen": N_("Last seen"),
    "entered": N_("Entered"),
    "note": N_("Note"),
    # why one of two survives
    "you chose it": N_("you chose it"),
    "it was seen last at the till": N_("it was seen last at the till"),
    "it has more points": N_("it has more points"),
    "its id is the lower one": N_("its id is the lower one"),
    # points online
    "drift_twice": N_("twice under one number"),
    "drift_unknown": N_("not known here"),
    "drift_cancelled": N_("cancelled in Smaregi"),
    "drift_differs": N_("another member or other points"),
    "given": N_("Given"),
    "ignored": N_("Earns nothing"),
    # where a flag comes from
    "default": N_("not set"),
    "environment": N_("the environment"),
}

_TONES: Mapping[str, str] = {
    "success": "delivered working on done merged",
    "critical": "failed another broken auth gone",
    "warning": "retrying paused waiting different missing",
    "attention": "held hold dry_run",
    "info": "open pending running busy registration update backfill removal",
}
_TONE_OF = {word: tone for tone, names in _TONES.items() for word in names.split()}


def label(word: str | None) -> str:
    """The message id of a word; the word itself where it is none of ours."""
    return _LABELS.get(str(word), str(word)) if word else ""


def tone(word: str | None) -> str:
    return _TONE_OF.get(str(word), "neutral")


def words() -> Iterator[str]:
    """Every message id, also of what other rooms say in a closed set."""
    yield from _LABELS.values()
    yield from (reason.words for reason in Reason)
    yield from (spec.title for spec in ROSTER)
    yield from (*notices.sentences(), *wording.sentences(), *steps.sentences())
