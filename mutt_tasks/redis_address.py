"""Where a Redis is and how to log in: one value, from a URL or from its parts.

Both clients are built from it: our own (`store/connection.py`) and Celery's broker
connection, whose URLs differ for UNIX sockets, TLS and Sentinel.
"""

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
    if scheme not in SCHEMES or not rest:
        raise ValueError
    if scheme == "sentinel":
        # Kombu's form repeats the scheme after each semicolon; both forms are read.
        rest = rest.replace(";sentinel://", ",").replace(";", ",")
    parts = urlsplit(f"{scheme}://{rest}")
    login, _, places = parts.netloc.rpartition("@")
    username, _, password = login.partition(":")
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if not set(query) <= {"db", "master_name"}:
        raise ValueError
    address = RedisAddress(
        scheme, username=unquote(username), password=unquote(password), tls=scheme == "rediss"
    )
    path = unquote(parts.path)
    if scheme == "unix":
        if not path or places:
            raise ValueError
        return replace(address, path=path, db=_database(query.get("db", "0")))
    # Kombu writes a database after every Sentinel; the last path counts.
    hosts = tuple(_host(place.split("/")[0], DEFAULT_PORTS[scheme]) for place in places.split(","))
    if scheme == "sentinel":
        last = path.rsplit("/", 1)[-1].split(",")[0]
        service = query.get("master_name") or ("" if last.isdecimal() else last) or "mymaster"
        db = query.get("db") or (last if last.isdecimal() else "0")
        return replace(address, hosts=hosts, service=service, db=_database(db))
    if len(hosts) != 1 or "master_name" in query:
        raise ValueError
    return replace(address, hosts=hosts, db=_database(query.get("db") or path.strip("/") or "0"))


def _host(place: str, default_port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{place}")
    if not parts.hostname:
        raise ValueError
    return parts.hostname, default_port if parts.port is None else parts.port


def _database(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 5:
        raise ValueError
    return int(text)


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name else name
