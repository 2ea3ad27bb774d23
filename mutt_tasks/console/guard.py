"""What stands before every request: who asks, from where, how much; and what every answer says."""

import asyncio
import logging
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mutt_tasks.console.addresses import path_in
from mutt_tasks.console.context import Console
from mutt_tasks.console.identity import AMBIENT, identity_in
from mutt_tasks.console.peer import Peer, host_of, peer_of
from mutt_tasks.console.problems import API, FAILED, Problem, answered
from mutt_tasks.core.access import Identity

logger = logging.getLogger(__name__)

# Nothing but our own files, and nothing inline. The last three have no default of their own.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self';"
    " connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not `no-referrer`: browsers would then send `Origin: null` with forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
# Served to whoever asks: they tell nothing of the lists.
OPEN = (
    *("/static/", "/login", "/health", "/metrics", "/favicon.ico"),
    *("/api/v1/session", "/api/v1/openapi.json"),
)
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# No call needs more, and no body takes longer to come.
MOST_BYTES, BODY_SECONDS = 256 << 10, 15.0
# Names by which a key is looked for in an address, where logs and histories keep it.
_KEYS_IN_URL = frozenset({"api_key", "apikey", "x-api-key", "key", "token"})

# A link in a mail or a chat brings no cookie along: SameSite=Strict. Our own page asks again, and
# that request does.
_AGAIN = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>MUTT remediation</title>'
    '<meta http-equiv="refresh" content="0"><p>One moment …</p></html>'
)


class Guard:
    """Lets a request through to the `app` when it may, with `identity` and `peer` in its scope."""

    def __init__(self, app: ASGIApp, console: Console, body_seconds: float = BODY_SECONDS) -> None:
        self._app, self._console, self._body_seconds = app, console, body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        peer = peer_of(scope, self._console.doors.proxies)

        has_begun = False

        async def sending(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                if scope["method"] not in SAFE and message["status"] < 400:
                    # Whoever has changed something is to see it on the next page.
                    self._console.hub.expire()
                _add_headers(MutableHeaders(scope=message), scope["path"], peer)
            await send(message)

        try:
            answer = self._checked(scope, peer)
            if answer is None:
                await self._app(scope, _bounded(receive, self._body_seconds), sending)
                return
        except Problem as problem:
            answer = answered(scope, problem)
        except Exception:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            if has_begun:
                raise
            answer = answered(scope, FAILED)
        await answer(scope, receive, sending)

    def _checked(self, scope: Scope, peer: Peer) -> Response | None:
        """Note who asks; returns an answer where the request goes no further. Raises Problem."""
        headers, path = Headers(scope=scope), scope["path"]
        hosts = self._console.doors.hosts
        if hosts and peer.host not in hosts and not peer.is_here:
            raise Problem(421, "wrong-host", "the console is not known by this name: CONSOLE_HOSTS")
        if "transfer-encoding" in headers and "content-length" in headers:
            # A proxy may go by the other one, and see another request behind this.
            close = {"Connection": "close"}
            raise Problem(400, "two-lengths", "a body has one length, or comes in chunks", close)
        if _too_large(headers.get("content-length", "")):
            raise Problem(413, "too-large", f"a body has at most {MOST_BYTES} bytes")
        query = scope["query_string"].decode("latin-1")
        if _KEYS_IN_URL & {name.lower() for name, _ in parse_qsl(query, keep_blank_values=True)}:
            raise Problem(400, "key-in-url", "a key stands in the header X-API-KEY, never in a URL")
        identity = identity_in(self._console, scope, peer)
        scope["peer"], scope["identity"] = peer, identity
        self._check_origin(scope, headers, identity)
        if identity is None and not path.startswith(OPEN):
            return self._stranger(scope, headers)
        return None

    def _check_origin(self, scope: Scope, headers: Headers, identity: Identity | None) -> None:
        """Raise Problem for a request that another site has a browser make."""
        site, origin = headers.get("sec-fetch-site", ""), headers.get("origin", "")
        is_change = scope["method"] not in SAFE
        if is_change and origin and not self._is_ours(origin, headers.get("host", "")):
            raise Problem(403, "foreign-origin", "this request comes from another site")
        is_foreign = site not in ("", "same-origin", "none")
        if is_foreign and (is_change or scope["path"].startswith(API)):
            raise Problem(403, "foreign-origin", "this request comes from another site")
        is_ambient = identity is not None and identity.known_by in AMBIENT
        if is_change and is_ambient and not origin and site != "same-origin":
            raise Problem(403, "no-origin", "a change from a browser says where it comes from")

    def _is_ours(self, origin: str, authority: str) -> bool:
        try:
            found = urlsplit(origin)
        except ValueError:
            return False
        if found.scheme not in ("http", "https"):
            return False
        named = host_of(found.netloc) in self._console.doors.hosts
        return named or _without_port(found.netloc) == _without_port(authority.lower())

    def _stranger(self, scope: Scope, headers: Headers) -> Response:
        """What somebody gets who is not known."""
        path = scope["path"]
        if path.startswith(API):
            raise Problem(401, "no-key", self._how_in(), {"WWW-Authenticate": "ApiKey"})
        if "text/event-stream" in headers.get("accept", ""):
            # Followed to the login, a stream would end for good without a word why.
            return Response(status_code=401)
        if headers.get("hx-request") == "true":
            # Part of a page that is open: the whole of it goes to the login.
            target = path_in(headers.get("hx-current-url", ""), headers.get("host", ""))
            where = f"/login?next={quote(target, safe='')}"
            return Response(status_code=401, headers={"HX-Redirect": where})
        if headers.get("sec-fetch-site") == "cross-site":
            return HTMLResponse(_AGAIN)
        query = scope["query_string"].decode("latin-1")
        target = f"{path}?{query}" if query else path
        return RedirectResponse(f"/login?next={quote(target, safe='')}", 303)

    def _how_in(self) -> str:
        if self._console.keys.is_open() and not self._console.doors.proxies:
            return (
                "no key is configured, so that only this host may look: `mutt-dlq key new NAME"
                " --role operator` makes one in the file that CONSOLE_KEYS_FILE names"
            )
        return "a key is needed, in the header X-API-KEY, or a login"


def _too_large(length: str) -> bool:
    is_number = length.isascii() and length.isdigit()
    return bool(length) and not (is_number and len(length) < 12 and int(length) <= MOST_BYTES)


def _without_port(authority: str) -> str:
    """An authority without the port that its scheme has anyway."""
    return authority.lower().removesuffix(":80").removesuffix(":443")


def _bounded(receive: Receive, seconds: float) -> Receive:
    """Receive a body of at most so many bytes, in at most so many seconds."""
    seen, is_whole = 0, False
    ends_at = asyncio.get_running_loop().time() + seconds

    async def received() -> Message:
        nonlocal seen, is_whole
        if is_whole:
            # What follows is the end of the connection, which may take its time.
            return await receive()
        try:
            async with asyncio.timeout_at(ends_at):
                message = await receive()
        except TimeoutError:
            raise Problem(408, "too-slow", f"a body comes within {seconds:g} s") from None
        seen += len(message.get("body", b""))
        is_whole = message["type"] != "http.request" or not message.get("more_body", False)
        if seen > MOST_BYTES:
            raise Problem(413, "too-large", f"a body has at most {MOST_BYTES} bytes")
        return message

    return received


def _add_headers(headers: MutableHeaders, path: str, peer: Peer) -> None:
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    if not path.startswith("/static/"):
        headers.setdefault("Cache-Control", "no-store")
    if peer.is_secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
