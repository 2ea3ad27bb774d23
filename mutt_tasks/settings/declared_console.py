"""The variables of the console: where it listens, and who gets in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import mutt_tasks.settings.parsers as take
from mutt_tasks.settings.parsers import Network
from mutt_tasks.settings.variable import variable


@dataclass(frozen=True)
class Console:
    """Where the console listens, and by what it knows who asks."""

    title: ClassVar[str] = "Console"

    port: int = variable("CONSOLE_PORT", "8088", take.whole(1, 65_535), "pages and API")
    address: str = variable("CONSOLE_ADDRESS", "0.0.0.0", take.printable, "where it listens")
    keys_file: str = variable(
        "CONSOLE_KEYS_FILE",
        "",
        take.text,
        "names, roles and hashes of keys, as `mutt-dlq key new` writes them; without any key the"
        " console serves this host alone, to look and not to act",
    )
    hosts: tuple[str, ...] = variable(
        "CONSOLE_HOSTS",
        "",
        take.hosts,
        "by which host names browsers reach it, with commas between them; empty: by any",
    )
    trusted_proxies: tuple[Network, ...] = variable(
        "CONSOLE_TRUSTED_PROXIES",
        "",
        take.networks,
        "addresses or networks of reverse proxies whose headers say who asks, and over what; from"
        " all others such headers mean nothing",
    )
    user_header: str = variable(
        "CONSOLE_PROXY_USER_HEADER", "Remote-User", take.header_name, "where they say who asks"
    )
    groups_header: str = variable(
        "CONSOLE_PROXY_GROUPS_HEADER",
        "Remote-Groups",
        take.header_name,
        "where they say the groups of that one, with commas between them",
    )
    roles: Mapping[str, str] = variable(
        "CONSOLE_PROXY_ROLES",
        "",
        take.roles,
        "which groups have a role, as `netops=operator,leads=admin`; all others are viewers",
    )
    tls_cert: str = variable(
        "CONSOLE_TLS_CERT", "", take.existing_file, "its certificate (PEM); empty: plain HTTP"
    )
    tls_key: str = variable("CONSOLE_TLS_KEY", "", take.existing_file, "its key (PEM)")
