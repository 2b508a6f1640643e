"""What runs in the background: how far it is, what became of it, and how it is stopped."""

import orjson
from aiohttp import web

from gateway.console.jobs import Job
from gateway.console.record import record
from gateway.console.rendering import render, see_other
from gateway.console.roles import Right
from gateway.console.visit import DESK, VISIT, need

__all__ = ["routes"]

routes = web.RouteTableDef()


def _job(request: web.Request) -> Job:
    need(request, Right.LOOK)
    job = request.app[DESK].jobs.get(request.match_info["id"])
    if job is None:
        raise web.HTTPNotFound
    return job


@routes.get("/jobs/{id}")
async def show(request: web.Request) -> web.StreamResponse:
    return render(request, "job.html", {"job": _job(request)})


@routes.get("/jobs/{id}/progress")
async def progress(request: web.Request) -> web.StreamResponse:
    """For the script, which puts it into the page: the counts as the page has them."""
    job, language = _job(request), request[VISIT].language
    done, total = language.number(job.done), language.number(job.total)
    body = {
        "running": job.is_running,
        "done": job.done,
        "total": job.total,
        "words": language.text("%(done)s of %(total)s", done=done, total=total),
    }
    return web.Response(body=orjson.dumps(body), content_type="application/json")


@routes.post("/jobs/{id}/cancel")
async def cancel(request: web.Request) -> web.StreamResponse:
    """What is under way ends, nothing more is begun."""
    job = _job(request)
    need(request, Right.SEND_AGAIN if job.kind == "replay" else Right.DISCARD)
    if job.is_running:
        await record(request, "cancel", f"{job.kind} {job.id}, {job.done} of {job.total} done")
        job.cancel()
    return see_other(f"/jobs/{job.id}")
