"""What a run is to do, and why it may not begin."""

from dataclasses import field

from flags import FlagSet, Mode
from gateway import frozen
from gateway.shopify import Created

__all__ = ["BackfillOptions", "refusal"]

_MAIL = "email"


@frozen
class BackfillOptions:
    """`created`: when the customers were made in Shopify. `dry_run` counts and writes nothing."""

    channel: str
    created: Created = field(default_factory=Created)
    dry_run: bool = False
    yes_send_mail: bool = False

    @property
    def key(self) -> str:
        """Runs with the same key continue each other."""
        return f"{self.channel} {self.created.since} {self.created.until}"


def refusal(flags: FlagSet, options: BackfillOptions) -> str | None:
    """Why such a run may not begin or continue, in words; None if it may."""
    flag = flags[options.channel]
    if flag.mode is not Mode.ON:
        return (
            f"{flag.name} is {flag.mode}: backfill sends only where the flag is on. "
            f"Set {flag.name}=on, then run it again."
        )
    if options.channel == _MAIL and not (options.yes_send_mail or options.dry_run):
        return (
            "A backfill of email sends the welcome mail to everybody in Shopify to whom the "
            "gateway has sent none, however long ago they came. "
            "If that is what you want, add --yes-send-mail."
        )
    return None
