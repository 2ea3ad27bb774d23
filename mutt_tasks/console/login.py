"""Log in with a key for a session cookie, and out again."""

from fastapi import Request
from starlette.responses import Response

from mutt_tasks.console.context import Console
from mutt_tasks.console.identity import peer_in, token_in, with_key
from mutt_tasks.console.peer import Peer
from mutt_tasks.console.sessions import COOKIE, KNOWN_BY, SECONDS, SECURE_COOKIE
from mutt_tasks.core.access import Identity


def log_in(console: Console, request: Request, secret: str, response: Response) -> Identity:
    """Begin a session with a key; the response gets its cookie. Raises Problem."""
    peer = peer_in(request)
    found = with_key(console, secret, peer, KNOWN_BY)
    key = console.keys.named(found.name)
    if key is not None:
        console.sessions.end(token_in(request.headers, peer))
        _set(response, peer, console.sessions.begin(key), round(SECONDS))
    return found


def log_out(console: Console, request: Request, response: Response) -> None:
    """End the session that a request comes with; the response takes its cookie away."""
    peer = peer_in(request)
    console.sessions.end(token_in(request.headers, peer))
    _set(response, peer, "", 0)


def _set(response: Response, peer: Peer, token: str, seconds: int) -> None:
    name = SECURE_COOKIE if peer.is_secure else COOKIE
    response.set_cookie(
        name, token, seconds, path="/", secure=peer.is_secure, httponly=True, samesite="strict"
    )
