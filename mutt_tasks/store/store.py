"""The Redis store as one value: everything that is kept there, on one connection."""

import redis

from mutt_tasks.core.redaction import ALL, Hints
from mutt_tasks.errors import ClusterUnsupported
from mutt_tasks.settings.redis_address import RedisAddress
from mutt_tasks.store.asides import Asides
from mutt_tasks.store.audit import Audit
from mutt_tasks.store.balance import Balance
from mutt_tasks.store.connection import RETRIES, TIMEOUT, connect, seconds_of, translated
from mutt_tasks.store.dead_letters import DeadLetters
from mutt_tasks.store.imports import Imports
from mutt_tasks.store.job_changes import JobChanges
from mutt_tasks.store.jobs import Jobs
from mutt_tasks.store.journal import Journal
from mutt_tasks.store.lease import Lease
from mutt_tasks.store.ledger import Ledger
from mutt_tasks.store.levels import Levels
from mutt_tasks.store.listing import Listings
from mutt_tasks.store.notes import Notes
from mutt_tasks.store.notices import Notices
from mutt_tasks.store.pauses import Pauses
from mutt_tasks.store.pipeline import Pipeline
from mutt_tasks.store.plans import Plans
from mutt_tasks.store.probes import Probes
from mutt_tasks.store.queues import Queues
from mutt_tasks.store.readings import Readings
from mutt_tasks.store.scripts import Scripts
from mutt_tasks.store.snapshot import Snapshots
from mutt_tasks.store.standing import Standings
from mutt_tasks.store.trash import Trash


class Store:
    """Everything that is kept in Redis, by what it is for.

    What people type is kept without the secrets of the `hints`.
    """

    def __init__(self, client: redis.Redis, hints: Hints = ALL) -> None:
        scripts = Scripts(client)
        self._client = client
        self.lease = Lease(client, scripts)
        self.audit = Audit(client, scripts, hints)
        self.balance = Balance(client, scripts)
        self.queues = Queues(client, scripts, self.audit)
        self.asides = Asides(client, scripts)
        self.trash = Trash(client, scripts, self.audit)
        self.plans = Plans(client)
        self.jobs = Jobs(client, scripts)
        self.job_changes = JobChanges(scripts, self.audit)
        self.listings = Listings(client, scripts)
        self.dead_letters = DeadLetters(client, scripts, self.audit)
        self.imports = Imports(client, scripts, self.audit)
        self.ledger = Ledger(client, scripts)
        self.levels = Levels(client, scripts)
        self.journal = Journal(client)
        self.pauses = Pauses(client, scripts, self.audit)
        self.notes = Notes(client, scripts, self.audit)
        self.notices = Notices(client, scripts)
        self.pipeline = Pipeline(client, scripts)
        self.readings = Readings(client, scripts)
        self.standing = Standings(scripts)
        self.probes = Probes(client, scripts)
        self.snapshots = Snapshots(client, scripts)

    @classmethod
    def at(
        cls,
        address: RedisAddress,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        hints: Hints = ALL,
    ) -> "Store":
        """A store at an address; it connects when first used.

        `timeout` bounds connecting and each answer in seconds, `retries` the further tries.
        """
        return cls(connect(address, timeout, retries), hints)

    def now(self) -> float:
        """Redis' own clock, in seconds since 1970: one clock for every worker and beat."""
        with translated():
            return seconds_of(self._client.time())

    def close(self) -> None:
        """Drop the connection."""
        self._client.close()

    def refuse_cluster(self) -> None:
        """Raise ClusterUnsupported when the server is part of a Redis Cluster.

        A move touches a route's lists and our own keys in one script; a cluster allows that
        only within one hash slot, and our keys have no hash tag to share.
        """
        with translated():
            is_cluster = self._client.info("cluster").get("cluster_enabled")
        if is_cluster:
            raise ClusterUnsupported(
                "this Redis is part of a cluster: the lists of a route and our own keys"
                " (mutt:remediation:…) do not share one hash tag; use one Redis or Sentinel"
            )
