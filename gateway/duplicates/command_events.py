"""A person's command on links and members: it is finished even if nobody listens any more.

Its events are lines of text and, last, `end` with the command's exit code: 0 done; 1 something
failed, and the same command continues; 2 it cannot be done like this.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from gateway.background import Background
from gateway.errors import CommandRefused, StorageError, UpstreamError

__all__ = ["Event", "Report", "Unfinished", "events_of"]

log = logging.getLogger(__name__)

Event = dict[str, Any]
Report = Callable[[str], None]


class Unfinished(Exception):  # noqa: N818 - a turn in the flow, told as exit code 1
    """It could not be finished; the text says what a person has to do."""


async def events_of(
    background: Background, work: Callable[[Report], Awaitable[str]]
) -> AsyncIterator[Event]:
    """`work(report)` returns the last sentence. If the listener stops, the work goes on.

    There is no `end` if the gateway stopped meanwhile: the next owner continues.
    """
    events: asyncio.Queue[Event | None] = asyncio.Queue()

    def report(text: str) -> None:
        events.put_nowait({"event": "step", "text": text})

    async def run() -> None:
        events.put_nowait(await _end(work(report)))

    task = background.keep(run(), "a person's command")
    task.add_done_callback(lambda _: events.put_nowait(None))
    while (event := await events.get()) is not None:
        yield event


async def _end(work: Awaitable[str]) -> Event:
    code, text = 0, ""
    try:
        text = await work
    except CommandRefused as error:
        code, text = 2, str(error)
    except Unfinished as error:
        code, text = 1, error.args[0]  # it may be told in another language too
    except UpstreamError as error:
        code, text = 1, f"{error.system}: {error}. Run the same command again: it goes on."
    except StorageError as error:
        code, text = 1, f"The database cannot be used: {error} ({error.hint})"
    except Exception as bug:
        log.exception("a command broke")
        code, text = 1, f"An error of the gateway itself ({type(bug).__name__}); see its log."
    return {"event": "end", "code": code, "text": text}
