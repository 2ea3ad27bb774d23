"""The ASGI application: what is served where, behind the guard."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib import resources
from typing import Any

from fastapi import FastAPI
from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from mutt_tasks.console import problems
from mutt_tasks.console.api import (
    jobs,
    live,
    messages,
    plans,
    queues,
    records,
    remarks,
    session,
    switches,
)
from mutt_tasks.console.context import Console
from mutt_tasks.console.description import describe
from mutt_tasks.console.guard import Guard
from mutt_tasks.console.metrics import registry_of, scraped
from mutt_tasks.console.pages import failure
from mutt_tasks.console.pages import router as pages
from mutt_tasks.release import VERSION

FILES = resources.files("mutt_tasks.console")
PREFIX = "/api/v1"
ROUTERS = (
    live.router,
    messages.router,
    queues.router,
    plans.router,
    jobs.router,
    switches.router,
    remarks.router,
    records.router,
    session.router,
)


def app_of(console: Console) -> FastAPI:
    """The application of a console."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        remembering = asyncio.create_task(console.hub.remember())
        yield
        console.hub.stop()
        remembering.cancel()

    app = FastAPI(
        title="MUTT remediation",
        version=VERSION,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.console = console
    app.state.problem_page = failure.page_of
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    app.include_router(pages.router, include_in_schema=False)
    app.add_api_route("/health", _healthy, include_in_schema=False)
    app.state.metrics = registry_of(console.hub, console.clock)
    app.add_api_route("/metrics", scraped, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=str(FILES / "static")), name="static")
    app.add_middleware(_guard, console=console)
    app.openapi = partial(describe, app)  # type: ignore[method-assign]
    return app


def _guard(app: Any, console: Console) -> Callable[..., Any]:
    return Guard(app, console)


def _healthy() -> Response:
    """The process lives."""
    return PlainTextResponse("OK")
