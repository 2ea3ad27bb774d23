"""The sample backlog: what lies in dead letter queues after a bad night, made up from a seed."""

import json
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mutt_tasks.core.moments import iso
from stand_ins import facts

DEFAULT_EVENTS = 2000

# Events of hosts in this domain can never be processed: the stand-in alerter's inventory does
# not know them any more. They are the poison.
RETIRED_DOMAIN = ".retired.example.net"

# The pipeline's messages carry their key in clear; this one opens nothing.
SAMPLE_KEY = "sample-key-that-opens-nothing"

_SHARES = {"poison": 0.01, "shed": 0.08, "alerts": 0.02}
_HOURS = 6

_SITES = ("fra1", "ams2", "lon3", "nyc1", "sjc2", "sgp1")
_ROLES = ("core-rtr", "edge-rtr", "leaf-sw", "acc-sw", "fw", "lb", "db", "web", "esx", "stor")
_TEAMS = ("network-core", "datacenter", "security", "platform", "storage")

_MALFORMED = (
    b"<134>Oct 11 22:14:15 fra1-fw-03 %ASA-4-106023: Deny tcp src outside",
    b"[1,2]",
    b'{"hostname": "lon3-db-02", "message": "\xff\xfe caf\xe9", "timestamp": 0}',
    b"",
    b'"just a string"',
    b'{"hostname": "ams2-web-11", "timestamp": "2026-01-12T03:1',
)


@dataclass
class Backlog:
    """Messages by the queue that they lie in, oldest first, and how many there are of each kind."""

    alerter: list[bytes] = field(default_factory=list)
    moog: list[bytes] = field(default_factory=list)
    kinds: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.alerter) + len(self.moog)


def sample(events: int, now: float, seed: int = 2026, *, with_alerts: bool = True) -> Backlog:
    """About `events` messages of the hours before `now`; the same for the same arguments.

    Of those in the alerter's queue about one in a hundred is poison, one in twelve was shed,
    and a handful is no JSON object at all; one in fifty is an alert in the forwarder's queue, if
    it is to have any.
    """
    dice = random.Random(seed)  # noqa: S311 — a sample, no secret
    moments = sorted(now - dice.uniform(0, _HOURS * 3600) for _ in range(events))
    counts = {kind: round(events * share) for kind, share in _SHARES.items()}
    counts["alerts"] *= with_alerts
    kinds = [kind for kind, count in counts.items() for _ in range(count)]
    malformed = _MALFORMED[: max(1, round(events * 0.01))] if events else ()
    kinds += ["malformed"] * len(malformed)
    kinds = kinds[:events] + ["exhausted"] * (events - len(kinds))
    dice.shuffle(kinds)
    garbage = iter(malformed)
    found = Backlog()
    for moment, kind in zip(moments, kinds, strict=True):
        found.kinds[kind] = found.kinds.get(kind, 0) + 1
        if kind == "malformed":
            found.alerter.append(next(garbage))
            continue
        event = sample_event(dice, moment)
        if kind == "poison":
            event["hostname"] = f"dec-sw-{dice.randrange(1, 30):02d}{RETIRED_DOMAIN}"
        if kind == "alerts":
            found.moog.append(_encoded(_given_up(dice, event)))
        else:
            found.alerter.append(_encoded(_shed(event) if kind == "shed" else _exhausted(event)))
    return found


def _exhausted(event: dict[str, Any]) -> dict[str, Any]:
    """As the alerter leaves what it tried too often."""
    return event | {facts.ALERTER_COUNT: facts.ALERTER_MAX_RETRIES + 1}


def _shed(event: dict[str, Any]) -> dict[str, Any]:
    """As the alerter sets aside what it never tried, because the alert queue was too long."""
    return facts.shed(event, facts.SHED_THRESHOLD + 1, facts.SHED_THRESHOLD)


def _given_up(dice: random.Random, event: dict[str, Any]) -> dict[str, Any]:
    """As the forwarder leaves an alert that Moogsoft would not take."""
    spent = {facts.FORWARDER_COUNT: facts.FORWARDER_MAX_RETRIES + 1}
    return alert(event, dice.choice(_TEAMS)) | spent


def alert(event: dict[str, Any], team: str = _TEAMS[0]) -> dict[str, Any]:
    """The event as the alerter wraps it for the alert queue."""
    return facts.alert(event, SAMPLE_KEY, team)


def _encoded(event: dict[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode()


def sample_event(dice: random.Random, moment: float) -> dict[str, Any]:
    """One event of that moment (seconds since 1970), as the ingestor passes it on."""
    role = dice.choice(_ROLES)
    event: dict[str, Any] = {
        "hostname": f"{dice.choice(_SITES)}-{role}-{dice.randrange(1, 25):02d}.example.net",
        "timestamp": iso(moment),
        "source_ip": f"10.{dice.randrange(64)}.{dice.randrange(256)}.{dice.randrange(1, 255)}",
    }
    event |= dice.choice(_SYSLOG if dice.random() < 0.7 else _TRAPS)(dice)
    event[facts.CORRELATION_ID] = str(uuid.UUID(int=dice.getrandbits(128), version=4))
    return event


def _syslog(program: str, severity: int, text: str) -> Callable[[random.Random], dict[str, Any]]:
    """A kind of syslog message; in `text`, {n} is a small number, {port} an interface, {ip} …"""

    def make(dice: random.Random) -> dict[str, Any]:
        filled = text.format(
            n=dice.randrange(2, 99),
            port=f"{dice.choice(('Gi', 'Te', 'Eth'))}{dice.randrange(1, 5)}/0/{dice.randrange(48)}",
            ip=f"172.16.{dice.randrange(32)}.{dice.randrange(1, 255)}",
            big=dice.getrandbits(63),
        )
        return {
            "source_type": "syslog",
            "program": program,
            "facility": dice.choice(("local4", "local7", "daemon", "kern")),
            "syslog_severity": severity,
            "message": filled,
        }

    return make


def _trap(oid: str, text: str, **varbinds: str) -> Callable[[random.Random], dict[str, Any]]:
    """A kind of SNMP trap with its variables: `int`, `counter` (64 bits) or fixed text."""

    def make(dice: random.Random) -> dict[str, Any]:
        values = {"int": dice.randrange(1, 512), "counter": dice.getrandbits(64)}
        return {
            "source_type": "snmp",
            "trap_oid": oid,
            "message": text,
            "uptime": dice.randrange(10_000, 400_000_000) / 100,
            "varbinds": {name: values.get(kind, kind) for name, kind in varbinds.items()},
        }

    return make


_SYSLOG = (
    _syslog("%LINK", 3, "%LINK-3-UPDOWN: Interface {port}, changed state to down"),
    _syslog("%LINEPROTO", 5, "%LINEPROTO-5-UPDOWN: Line protocol on {port}, changed state to up"),
    _syslog("%BGP", 5, "%BGP-5-ADJCHANGE: neighbor {ip} Down Hold Timer Expired ({n} s)"),
    _syslog("%OSPF", 5, "%OSPF-5-ADJCHG: Process {n}, Nbr {ip} on {port} from FULL to DOWN"),
    _syslog(
        "%SYS", 2, "%SYS-2-MALLOCFAIL: Memory allocation of {big} bytes failed, pool Processor"
    ),
    _syslog("sshd", 4, "Failed password for invalid user admin from {ip} port {n}022 ssh2"),
    _syslog("kernel", 3, "EXT4-fs error (device sd{n}): ext4_find_entry: reading directory lblock"),
    _syslog("kernel", 4, "Out of memory: Killed process {n}42 (java) total-vm:{big}kB"),
    _syslog(
        "haproxy", 1, "Server web/web{n} is DOWN, reason: Layer4 timeout, check duration: 2001ms"
    ),
    _syslog("postgres", 2, 'FATAL: remaining connection slots are reserved – "{ip}"'),
    _syslog("smartd", 2, "Device: /dev/sdb, Temperature {n} °C reached limit of 60 °C"),
    _syslog("%ASA", 4, "%ASA-4-106023: Deny tcp src outside:{ip}/443 dst inside:{ip}/{n}"),
)
_TRAPS = (
    _trap(
        "1.3.6.1.6.3.1.1.5.3", "linkDown", ifIndex="int", ifAdminStatus="up", ifHCInOctets="counter"
    ),
    _trap("1.3.6.1.6.3.1.1.5.4", "linkUp", ifIndex="int", ifOperStatus="up"),
    _trap("1.3.6.1.6.3.1.1.5.5", "authenticationFailure", snmpTrapAddress="10.9.8.7"),
    _trap("1.3.6.1.4.1.318.0.5", "UPS: utility power failed", upsBatteryCapacity="int"),
    _trap("1.3.6.1.4.1.9.9.43.2.0.1", "ciscoConfigManEvent", ccmHistoryEventIndex="counter"),
)
