"""Where a Redis is and how to log in: one value, from a URL or from its parts.

Both clients are built from it: our own (`store/connection.py`) and Celery's broker
connection, whose URLs differ for UNIX sockets, TLS and Sentinel.
"""

import re
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

SCHEMES = ("redis", "rediss", "unix", "sentinel")
TAKES = (
    "redis://[user:password@]host[:port][/db], rediss://… (TLS), unix:///path.sock[?db=0] or"
    " sentinel://host[:port][,host[:port]…]/service-name[?db=0]; percent-encode user and password"
)
DEFAULT_PORTS = {"redis": 6379, "rediss": 6379, "sentinel": 26379}


@dataclass(frozen=True)
class RedisAddress:
    """One Redis, one UNIX socket, or the Sentinels that know the current master.

    `hosts` holds (name, port) pairs: one for a plain server, any number of Sentinels.
    `next_password` is tried where the server refuses `password`.
    Certificates are always verified when `tls` is on.
    """

    scheme: str
    hosts: tuple[tuple[str, int], ...] = ()
    path: str = ""
    service: str = ""
    db: int = 0
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    tls: bool = False
    ca_cert: str = ""
    client_cert: str = ""
    client_key: str = ""
    next_password: str = field(default="", repr=False)

    @property
    def shown(self) -> str:
        """The address without its credentials, for logs and pages."""
        if self.scheme == "unix":
            return f"unix://{self.path}?db={self.db}"
        places = ",".join(f"{_bracketed(name)}:{port}" for name, port in self.hosts)
        tail = f"{self.service}?db={self.db}" if self.scheme == "sentinel" else str(self.db)
        return f"{self.scheme}://{places}/{tail}"

    def broker_url(self) -> str:
        """The address as Celery's Redis transport writes it.

        Source: kombu's documentation; `rediss://` alone verifies nothing there, so the
        demand to verify is always spelled out.
        """
        login = ""
        if self.username or self.password:
            login = f"{quote(self.username, safe='')}:{quote(self.password, safe='')}@"
        if self.scheme == "unix":
            return f"redis+socket://{login}{quote(self.path)}?virtual_host={self.db}"
        if self.scheme == "sentinel":
            return ";".join(
                f"sentinel://{login}{_bracketed(name)}:{port}/{self.db}"
                for name, port in self.hosts
            )
        name, port = self.hosts[0]
        url = f"{self.scheme}://{login}{_bracketed(name)}:{port}/{self.db}"
        if not self.tls:
            return url
        tls = {"ssl_cert_reqs": "required", "ssl_ca_certs": self.ca_cert}
        tls |= {"ssl_certfile": self.client_cert, "ssl_keyfile": self.client_key}
        return f"{url}?{urlencode({name: value for name, value in tls.items() if value})}"

    def with_next_password(self, password: str) -> "RedisAddress":
        """The same address with a second password, or with it as the only one there is."""
        return replace(self, password=self.password or password, next_password=password)

    def with_tls(self, ca_cert: str, client_cert: str, client_key: str) -> "RedisAddress":
        """The same address over TLS; empty paths mean the system's authorities, no client key."""
        scheme = "rediss" if self.scheme == "redis" else self.scheme
        return replace(
            self,
            scheme=scheme,
            tls=True,
            ca_cert=ca_cert,
            client_cert=client_cert,
            client_key=client_key,
        )


def parse(url: str) -> RedisAddress | None:
    """Read an address; empty text means that none was given.

    Raises ValueError, which says what is accepted and repeats nothing of the URL.
    """
    if not url:
        return None
    try:
        address = _parse(url)
    except ValueError:
        raise ValueError(TAKES) from None
    return address


def _parse(url: str) -> RedisAddress:
    scheme, _, rest = url.partition("://")
    # A raw # would silently end the address in the middle of a password.
    if scheme not in SCHEMES or not rest or "#" in rest:
        raise ValueError
    # Kombu's form of several Sentinels repeats scheme, login and database for each.
    urls = rest.split(";sentinel://") if scheme == "sentinel" else [rest]
    parts = [_split(each) for each in urls]
    _, _, raw_path, raw_query = parts[-1]
    if len({login for login, *_ in parts}) > 1:
        raise ValueError
    if any(path not in ("", raw_path) or query for _, _, path, query in parts[:-1]):
        raise ValueError
    username, _, password = parts[0][0].partition(":")
    places = ",".join(place for _, place, _, _ in parts)
    path = unquote(raw_path, errors="strict")
    query = {name: values[-1] for name, values in parse_qs(raw_query, True).items()}
    if not set(query) <= {"db", "master_name"}:
        raise ValueError
    address = RedisAddress(
        scheme,
        username=unquote(username, errors="strict"),
        password=unquote(password, errors="strict"),
        tls=scheme == "rediss",
    )
    if scheme == "unix":
        if not path or places:
            raise ValueError
        return replace(address, path=path, db=_database(query.get("db", "0")))
    hosts = tuple(_host(place, DEFAULT_PORTS[scheme]) for place in re.split("[,;]", places))
    steps = [step for step in path.split("/") if step]
    in_path = steps.pop() if steps and steps[-1].isdecimal() else "0"
    db = query.get("db") or in_path
    service = query.get("master_name") or (steps.pop() if steps else "")
    if steps or (scheme != "sentinel" and (service or len(hosts) != 1)):
        raise ValueError
    if scheme == "sentinel":
        service = service or "mymaster"
    return replace(address, hosts=hosts, service=service, db=_database(db))


def _split(rest: str) -> tuple[str, str, str, str]:
    """Login, places, path and query of what follows the scheme."""
    body, _, query = rest.partition("?")
    authority, slash, path = body.partition("/")
    login, _, places = authority.rpartition("@")
    return login, places, slash + path, query


def _host(place: str, default_port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{place}")
    port = default_port if parts.port is None else parts.port
    if not parts.hostname or not port or not re.fullmatch(r"[!-~]+", place):
        raise ValueError
    return parts.hostname, port


def _database(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 5:
        raise ValueError
    return int(text)


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name else name
