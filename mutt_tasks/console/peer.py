"""Where a request comes from and over what, as far as that can be believed."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.datastructures import Headers
from starlette.types import Scope

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True)
class Peer:
    """The other end of a connection: its `address`, and whether it is a proxy that we trust.

    `client` is for whom it asks, `is_secure` says that this one came over TLS, and `host` is the
    name that it used for us, without a port.
    """

    address: str
    client: str
    host: str
    is_trusted: bool
    is_secure: bool
    is_forwarded: bool

    @property
    def is_here(self) -> bool:
        """Whether it is this host itself, with a name for it that no other host can have."""
        found = _address(self.address)
        return (
            found is not None
            and found.is_loopback
            and self.host in _LOOPBACK
            and not self.is_forwarded
        )


def peer_of(scope: Scope, proxies: tuple[IPv4Network | IPv6Network, ...]) -> Peer:
    """The peer of a request; what proxies say counts only where they are trusted."""
    headers = Headers(scope=scope)
    address = scope["client"][0] if scope.get("client") else ""
    is_trusted = _is_in(address, proxies)
    said = headers.getlist("x-forwarded-for") if is_trusted else []
    hops = [hop.strip() for hop in ",".join(said).split(",") if hop.strip()]
    # The last one was written by the proxy itself, those before it by whoever asked.
    client = next((hop for hop in reversed(hops) if not _is_in(hop, proxies)), address)
    protocol = headers.get("x-forwarded-proto", "") if is_trusted else ""
    return Peer(
        address=address,
        client=client,
        host=host_of(headers.get("host", "")),
        is_trusted=is_trusted,
        is_secure=scope["scheme"] == "https" or protocol.lower() == "https",
        is_forwarded=any(name in headers for name in _FORWARDED),
    )


def host_of(authority: str) -> str:
    """The host of `host:port`, in lower case."""
    text = authority.strip().lower()
    if text.startswith("["):
        return text.partition("]")[0] + "]"
    return text.rpartition(":")[0] if ":" in text else text


def _is_in(address: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    found = _address(address)
    return found is not None and any(found in network for network in networks)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
