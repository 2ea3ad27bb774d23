"""A console behind a real server, in a thread of this process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from mutt_tasks.console.server import config_of
from tests.redis_server import free_port
from tests.services import until


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The address of an application while the block lasts."""
    port = free_port()
    server = uvicorn.Server(config_of(app, {"host": "127.0.0.1", "port": port}))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        app.state.console.stopping.set()
        server.config.loaded_app  # noqa: B018
        thread.join(10)
