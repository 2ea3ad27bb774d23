"""Every error as a problem detail (RFC 9457), without what Redis or Python said."""

import json
import logging
import re
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from mutt_tasks import errors

logger = logging.getLogger(__name__)

API = "/api/"
MEDIA_TYPE = "application/problem+json"
# After so many seconds it is worth another try when Redis is away.
AWAY_SECONDS = 2

# What our own errors are in HTTP; the first that fits counts.
_OF: tuple[tuple[type[errors.MuttTasksError], int, str], ...] = (
    (errors.InvalidArgument, 422, "invalid-argument"),
    (errors.NotFound, 404, "not-found"),
    (errors.SetChanged, 412, "set-changed"),
    (errors.PlaceLost, 410, "place-lost"),
    (errors.Refused, 409, "refused"),
    (errors.StoreUnavailable, 503, "redis-away"),
    (errors.StoreError, 503, "redis-refuses"),
)


class Problem(HTTPException):
    """An answer that is an error: its status, what kind it is of, and what is wrong."""

    def __init__(
        self, status: int, kind: str, detail: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(status, detail, headers)
        self.kind = kind

    def response(self, instance: str = "") -> Response:
        """As it is sent."""
        body: dict[str, Any] = {
            "type": f"urn:mutt:problem:{self.kind}",
            "title": HTTPStatus(self.status_code).phrase,
            "status": self.status_code,
            "detail": self.detail,
            **({"instance": instance} if instance else {}),
        }
        return Response(json.dumps(body), self.status_code, self.headers, MEDIA_TYPE)


FAILED = Problem(500, "internal", "something went wrong here; the console's log says what")


def too_many(detail: str, seconds: float) -> Problem:
    """429, and after how many seconds another try is welcome."""
    return Problem(429, "too-many", detail, {"Retry-After": str(max(1, round(seconds)))})


def problem_of(error: errors.MuttTasksError) -> Problem:
    """What an error of ours is in HTTP."""
    for kind, status, name in _OF:
        if isinstance(error, kind):
            headers = {"Retry-After": str(AWAY_SECONDS)} if status == 503 else {}
            return Problem(status, name, str(error), headers)
    return FAILED


def install(app: FastAPI) -> None:
    """Have every error answered as a problem."""
    app.add_exception_handler(Problem, _of_problem)
    app.add_exception_handler(errors.MuttTasksError, _of_ours)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)


def answered(scope: Scope, problem: Problem) -> Response:
    """A problem as whoever asks reads it: programs get JSON, people a page."""
    if scope["path"].startswith(API):
        return problem.response(scope["path"])
    page: Response = scope["app"].state.problem_page(Request(scope), problem)
    return page


async def _of_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return answered(request.scope, error)


async def _of_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.MuttTasksError)
    return answered(request.scope, problem_of(error))


async def _of_validation(request: Request, error: Exception) -> Response:
    """Which parts are wrong, and not what stood there: it may be a secret in the wrong place."""
    assert isinstance(error, RequestValidationError)
    parts = [
        f"{'.'.join(map(str, each['loc']))}: {each['msg']}".encode("ascii", "backslashreplace")
        for each in error.errors()
    ]
    detail = b"; ".join(parts).decode()
    return answered(request.scope, Problem(422, "invalid-argument", detail[:1000]))


async def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_methods(request))
    return answered(request.scope, Problem(error.status_code, kind, str(error.detail), headers))


def _methods(request: Request) -> list[str]:
    """All methods that a path takes; FastAPI names those of its first route alone."""
    calls = request.app.openapi()["paths"]
    path = request.scope["path"]
    found = [
        method.upper()
        for template, each in calls.items()
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path)
        for method in each
    ]
    return sorted(found)
