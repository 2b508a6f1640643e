"""`backfill`: the run, as a stream of events."""

from typing import Any

from aiohttp import web

from gateway.http import deliveries
from gateway.http.control.deliveries import chosen_of
from gateway.http.control.guard import require_known
from gateway.http.control.stream import STOPPING, stream
from gateway.http.forms import FormError
from gateway.http.keys import CORE
from gateway.http.middleware import respond
from gateway.outcomes import DeliveryFilter
from gateway.responses.bodies import problem
from gateway.shopify import Created
from gateway.sync.backfill import BackfillOptions
from gateway.wording import Fault, Text

__all__ = ["routes"]

_BACKFILL = frozenset({"dry_run", "yes_send_mail"})

routes = web.RouteTableDef()


@routes.post("/control/backfill")
async def backfill(request: web.Request) -> web.StreamResponse:
    core = request.app[CORE]
    try:
        options = _backfill_options(*await chosen_of(request, _BACKFILL))
    except FormError as error:
        return deliveries.wrong_filter(error)
    await require_known(core, options.channel)
    reason = core.backfill.refusal(options)
    if reason is not None:
        return respond(problem(409, "refused", Text.english(reason)))
    return await stream(request, core.backfill.run(options, request.app[STOPPING]))


def _backfill_options(chosen: DeliveryFilter, body: dict[str, Any]) -> BackfillOptions:
    if len(chosen.channels) != 1:
        raise FormError([Fault.ONE_CHANNEL.at("channel")])
    return BackfillOptions(
        chosen.channels[0],
        Created(chosen.since, chosen.until),
        dry_run=bool(body.get("dry_run")),
        yes_send_mail=bool(body.get("yes_send_mail")),
    )
