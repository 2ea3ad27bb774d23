"""A console behind a real server, in a thread of this process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from mutt_tasks.console.server import config_of
from tests.redis_server import free_port
from tests.services import until


@contextmanager
def served(app: FastAPI, **options: Any) -> Iterator[str]:
    """The address of an application while the block lasts."""
    port = free_port()
    server = uvicorn.Server(config_of(app, {"host": "127.0.0.1", "port": port, **options}))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        app.state.console.stopping.set()
        server.should_exit = True
        thread.join(10)
