"""What happens in a run: the pipeline's numbers, the live events, the trouble."""

from dataclasses import dataclass, replace

from stand_ins import breaker, facts

POISSON, EVEN = "poisson", "even"
HOUR = 3600.0


@dataclass(frozen=True)
class Change:
    """At a moment, somebody sets one of the pipeline's own limits (`name` as in mutt:config:*).

    `secretly`: the forwarders' own setting is changed and no key is written. Without `announced` no
    notice is sent, and the consumers believe what they have cached for up to 5 s more.
    """

    at: float
    name: str
    value: str
    secretly: bool = False
    announced: bool = True


@dataclass(frozen=True)
class Scenario:
    """One situation; times in seconds from the start of the run, rates in messages/s.

    `trouble` is `none`, `moogsoft` (down), `alerter` (its database is down), `flapping`
    (Moogsoft is `up` s well, then `down` s ill) or `storm` (`storm_rate` live events). It begins
    at `lead` and lasts `outage`. `backlog_*` messages lie in a dead letter queue at the start,
    a share of them poison: the alerter always fails at them, or Moogsoft answers 4xx. `suspects`
    more alerts lie in the forwarder's, to which Moogsoft always answers 500; `backlog_incomplete`
    more events in the alerter's, which it destroys, and `backlog_unmatched`, of which it makes no
    alert. Live events come in bursts of `live_burst` at the same moment; the other `live_*` are
    shares of them. Forwarders work from `forwarder_from` on.
    """

    name: str
    about: str = ""
    trouble: str = "none"
    lead: float = 60.0
    outage: float = 0.0
    up: float = 30.0
    down: float = 60.0
    storm_rate: float = 0.0
    live_rate: float = 20.0
    live_pattern: str = POISSON
    live_burst: int = 1
    live_poison: float = 0.0
    live_suspect: float = 0.0
    live_incomplete: float = 0.0
    live_unmatched: float = 0.0
    backlog_alerter: int = 0
    backlog_moog: int = 0
    backlog_poison: float = 0.0
    backlog_moog_poison: float = 0.0
    backlog_incomplete: int = 0
    backlog_unmatched: int = 0
    suspects: int = 0
    alerter_seconds: float = 0.002
    alerter_retries: int = facts.ALERTER_MAX_RETRIES
    shed_above: int = facts.SHED_THRESHOLD
    forwarders: int = 1
    forwarder_from: float = 0.0
    forwarder_retries: int = facts.FORWARDER_MAX_RETRIES
    post_seconds: float = 0.01
    pass_seconds: float = 0.0005
    limit: int = facts.RATE_LIMIT
    period: int = facts.RATE_PERIOD
    window_collides: bool = True
    reads_config: bool = True
    moogsoft_rate: float = 0.0
    moogsoft_status: int = 200
    breaker_failures: int = breaker.THRESHOLD
    breaker_rest: float = breaker.REST_SECONDS
    routes: str = "alerter,moog"
    cap_factor: float = 12.0
    cap_seconds: float = 12 * HOUR
    env: tuple[tuple[str, str], ...] = ()
    changes: tuple[Change, ...] = ()

    @property
    def backlog(self) -> int:
        """How many messages lie in the dead letter queues at the start."""
        odd = self.backlog_incomplete + self.backlog_unmatched + self.suspects
        return self.backlog_alerter + self.backlog_moog + odd

    @property
    def live_shares(self) -> tuple[tuple[str, float], ...]:
        """The kinds of live events that are not good, by name, and their shares."""
        shares = {
            "POISON": self.live_poison,
            "SUSPECT": self.live_suspect,
            "INCOMPLETE": self.live_incomplete,
            "UNMATCHED": self.live_unmatched,
        }
        return tuple((kind, share) for kind, share in shares.items() if share)

    @property
    def trouble_from(self) -> float:
        """When the trouble begins; 0 where there is none."""
        return self.lead if self.trouble != "none" else 0.0

    @property
    def trouble_to(self) -> float:
        """When the trouble is over, and the time to empty begins to count."""
        return self.trouble_from + self.outage if self.trouble != "none" else 0.0

    @property
    def is_crowded(self) -> bool:
        """Whether live alerts alone are more than the limiter takes: nobody can save them all."""
        return self.live_rate * self.period > self.limit

    def in_trouble(self, at: float, kind: str) -> bool:
        """Whether the trouble of this kind lasts at a moment."""
        return self.trouble == kind and self.trouble_from <= at < self.trouble_to

    def live_rate_at(self, at: float) -> tuple[float, float]:
        """The rate of live events at a moment, and until when it stays so."""
        if self.trouble == "storm" and at < self.trouble_to:
            if at < self.trouble_from:
                return self.live_rate, self.trouble_from
            return self.storm_rate, self.trouble_to
        return self.live_rate, float("inf")

    def moogsoft_is_up(self, at: float) -> bool:
        """Whether Moogsoft takes events at a moment."""
        if self.in_trouble(at, "moogsoft"):
            return False
        if self.in_trouble(at, "flapping"):
            return (at - self.trouble_from) % (self.up + self.down) < self.up
        return True


def _quiet(poison: int) -> Scenario:
    return Scenario(
        f"quiet-{poison}",
        f"No live events; the alerter's dead letter queue holds {poison} poison and nothing else.",
        live_rate=0.0,
        backlog_alerter=poison,
        backlog_poison=1.0,
        routes="alerter",
    )


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "moogsoft-down",
            "Moogsoft is down for an hour under 20 live events/s.",
            trouble="moogsoft",
            outage=HOUR,
        ),
        Scenario(
            "alerter-down",
            "The alerter's database is down for 20 minutes while Moogsoft is well.",
            trouble="alerter",
            outage=HOUR / 3,
        ),
        Scenario(
            "backlog",
            "20,000 messages lie in the alerter's dead letter queue, 1 % of them poison.",
            backlog_alerter=20_000,
            backlog_poison=0.01,
        ),
        Scenario(
            "flapping",
            "Moogsoft is 30 s up and 60 s down, over and over, for half an hour; 5,000 messages lie"
            " in the alerter's dead letter queue at the start.",
            trouble="flapping",
            outage=HOUR / 2,
            backlog_alerter=5000,
        ),
        Scenario(
            "shed-storm",
            "300 live events/s for a minute where a POST takes 25 ms: the alert queue passes 2,000"
            " and the alerter sheds.",
            trouble="storm",
            outage=60.0,
            storm_rate=300.0,
            post_seconds=0.025,
        ),
        _quiet(1),
        _quiet(5),
        _quiet(20),
        Scenario(
            "slow-consumer",
            "The alerter handles 5/s, 2/s of them live; 2,000 lie in its dead letter queue.",
            live_rate=2.0,
            backlog_alerter=2000,
            alerter_seconds=0.2,
            routes="alerter",
        ),
        Scenario(
            "both-routes",
            "5,000 messages lie in each of the two dead letter queues.",
            backlog_alerter=5000,
            backlog_moog=5000,
        ),
        Scenario(
            "half-capacity",
            "Moogsoft is down for ten minutes, and then answers 503 above 25/s.",
            trouble="moogsoft",
            outage=HOUR / 6,
            moogsoft_rate=25.0,
        ),
    )
}

# The same situations in minutes and hundreds. In the short ones the breaker does not rest for five
# minutes: nothing would happen but that alerts come, each of which has to be put back later.
_SMALL: dict[str, dict[str, float]] = {
    "moogsoft-down": {"outage": 60.0, "breaker_rest": 30.0},
    "alerter-down": {"outage": 30.0},
    "backlog": {"backlog_alerter": 400},
    # As often ill as a message is replayed before it counts as poison.
    "flapping": {"outage": 270.0, "live_rate": 10.0, "backlog_alerter": 300, "breaker_rest": 60.0},
    "shed-storm": {"outage": 6.0},
    "slow-consumer": {"backlog_alerter": 100},
    "both-routes": {"backlog_alerter": 200, "backlog_moog": 200},
    "half-capacity": {"outage": 180.0},
    "outage": {"outage": 60.0, "breaker_rest": 90.0},
    "outage-breaker-60": {"outage": 60.0},
    "outage-no-breaker": {"outage": 60.0},
    "outage-two-forwarders": {"outage": 60.0, "breaker_rest": 60.0},
}


def small(scenario: Scenario) -> Scenario:
    """The quick version of a scenario: minutes of trouble, hundreds of messages."""
    # Fewer alerts fill the alert queue in so short a time, so the alerter sheds sooner.
    changes = {"shed_above": 1200} | _SMALL.get(scenario.name, {})
    return replace(scenario, cap_seconds=1200.0, **changes)  # type: ignore[arg-type]
