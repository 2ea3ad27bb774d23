"""What people see when something is wrong."""

from fastapi import Request
from starlette.responses import Response

from mutt_tasks.console.problems import Problem


def page_of(request: Request, problem: Problem) -> Response:
    """A problem as a page."""
    return problem.response(request.url.path)
