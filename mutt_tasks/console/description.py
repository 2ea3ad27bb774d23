"""The OpenAPI description: what FastAPI finds, and what all calls have in common."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from mutt_tasks.console.models.base import Problem
from mutt_tasks.console.problems import MEDIA_TYPE

VERSION = "3.1.0"
_ABOUT = """\
Look into the dead letter queues of the MUTT pipeline, and act on what lies there.

Nothing is moved by this API: a change is a plan, then a job on exactly the messages that the plan
counted, which the worker does. Keys are made by `mutt-dlq key new NAME --role ROLE`.
"""
# What every call can answer.
_ALWAYS = {
    400: "the request cannot be read, or has a key in its URL",
    401: "nobody has this key, or there is none",
    403: "another site asks",
    408: "the body took too long",
    413: "the body is too large",
    421: "the console is not known by this host name",
    422: "an argument is not acceptable; `detail` says which, and what is",
    429: "too many wrong keys, or too many long looks: see Retry-After",
    503: "Redis is away or refuses: see Retry-After",
}
_RETRY = {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}}
_WITH_RETRY = frozenset({423, 429, 503})
_KEY = {"type": "apiKey", "in": "header", "name": "X-API-KEY"}
_SESSION = {"type": "apiKey", "in": "cookie", "name": "mutt_console"}
# Whoever may call these need not be known.
_OPEN = frozenset({"/api/v1/session"})


def describe(app: FastAPI) -> dict[str, Any]:
    """The description of an application, made once."""
    if app.openapi_schema is None:
        app.openapi_schema = _described(app)
    return app.openapi_schema


def _described(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version=VERSION,
        description=_ABOUT,
        routes=app.routes,
        servers=[{"url": "/"}],
    )
    parts = found["components"]
    parts["schemas"]["Problem"] = Problem.model_json_schema()
    parts["securitySchemes"] = {"key": _KEY, "session": _SESSION}
    found["security"] = [{"key": []}, {"session": []}]
    for path, calls in found["paths"].items():
        for call in calls.values():
            _complete(call["responses"])
            if path in _OPEN:
                call["security"] = []
    return found


def _complete(responses: dict[str, Any]) -> None:
    """Add what every call can answer, and say that all errors are problems."""
    for number, meaning in _ALWAYS.items():
        responses.setdefault(str(number), {"description": meaning})
    for status, response in responses.items():
        if status[0] in "45":
            response["content"] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
            if int(status) in _WITH_RETRY:
                response["headers"] = _RETRY
