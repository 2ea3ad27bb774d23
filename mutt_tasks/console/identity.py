"""Who asks: by a key, by a trusted proxy, by a session, or anybody on this host without any key."""

from math import ceil
from typing import NoReturn

from fastapi import Request
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

from mutt_tasks.console.context import Console
from mutt_tasks.console.peer import Peer
from mutt_tasks.console.problems import Problem, too_many
from mutt_tasks.console.sessions import COOKIE, SECURE_COOKIE
from mutt_tasks.console.throttle import Throttle
from mutt_tasks.core.access import NAME, ROLES, VIEWER, Identity, highest

KEY_HEADER = "X-API-KEY"
BY_KEY, BY_PROXY, BY_HOST = "console key", "proxy", "this host"

# What a browser sends by itself, whoever made it send the request.
AMBIENT = frozenset({BY_PROXY, BY_HOST, "console session"})

_OPEN = Identity("anybody", VIEWER, ROLES[VIEWER], BY_HOST)


def identity_in(console: Console, scope: Scope, peer: Peer) -> Identity | None:
    """Who asks; None when nobody knows. Raises Problem for a wrong key."""
    headers = Headers(scope=scope)
    keys = headers.getlist(KEY_HEADER)
    if keys:
        return _by_key(console, keys[0] if len(keys) == 1 else "", peer)
    if peer.is_trusted and console.doors.user_header in headers:
        return _by_proxy(console, headers)
    token = token_in(headers, peer)
    if token and (found := console.sessions.who(token)):
        return found
    is_open = console.keys.is_open() and not console.doors.proxies
    return _OPEN if is_open and peer.is_here else None


def token_in(headers: Headers, peer: Peer) -> str:
    """The token of a session that a request brings; empty for none."""
    cookies = cookie_parser(headers.get("cookie", ""))
    return cookies.get(SECURE_COOKIE if peer.is_secure else COOKIE, "")


def _by_key(console: Console, secret: str, peer: Peer) -> Identity:
    """Whose key that is. Raises Problem: it is nobody's.

    A right one is heard however many wrong ones come from its address: programs share addresses,
    and a key that is 256 random bits is found by no trying.
    """
    found = console.keys.who(secret, BY_KEY)
    return found or _wrong(console.wrong_keys, peer)


def with_key(console: Console, secret: str, peer: Peer, known_by: str) -> Identity:
    """Who logs in with a key. Raises Problem: it is nobody's, or too many wrong ones came."""
    if console.wrong_logins.wait(peer.client):
        return _wrong(console.wrong_logins, peer)
    found = console.keys.who(secret, known_by)
    return found or _wrong(console.wrong_logins, peer)


def _wrong(throttle: Throttle, peer: Peer) -> NoReturn:
    """Raise Problem for a wrong key, or for one too many."""
    seconds = throttle.wait(peer.client)
    if seconds:
        raise too_many(f"too many wrong keys from here: wait {ceil(seconds)} s", seconds)
    throttle.failed(peer.client)
    raise Problem(401, "wrong-key", "nobody has this key")


def _by_proxy(console: Console, headers: Headers) -> Identity:
    """Whom a trusted proxy names; its groups say what that one may do."""
    doors = console.doors
    names = headers.getlist(doors.user_header)
    if len(names) != 1 or not NAME.fullmatch(names[0]):
        raise Problem(401, "wrong-user", f"the proxy names no single user in {doors.user_header}")
    groups = ",".join(headers.getlist(doors.groups_header)).split(",")
    roles = [doors.roles[group.strip()] for group in groups if group.strip() in doors.roles]
    role = highest(roles)
    return Identity(names[0], role, ROLES[role], BY_PROXY)


def identity_of(request: Request) -> Identity:
    """Who asks; the guard has let nobody else in."""
    found: Identity = request.scope["identity"]
    return found


def peer_in(request: Request) -> Peer:
    """The peer of a request, as the guard saw it."""
    found: Peer = request.scope["peer"]
    return found
