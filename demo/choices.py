"""What the environment leaves open, and what the demo chooses for it."""

from collections.abc import Mapping
from dataclasses import dataclass

from mutt_tasks.settings import VARIABLES
from mutt_tasks.settings.variable import FILE_SUFFIX, known_names

# A backlog of some thousand in about a minute, its poison found within it.
PACE = {
    "REMEDIATION_ROUTES": "alerter,moog",
    "REMEDIATION_INTERVAL": "5",
    "REMEDIATION_DRAIN_INTERVAL": "0.5",
    "REMEDIATION_BATCH_SIZE": "40",
    "REMEDIATION_MAX_RATE": "80",
    "REMEDIATION_RETRY_BACKOFF": "3",
    "MOOG_HEALTH_CACHE_TTL": "2",
    "MOOG_RATE_LIMIT": "100",
}

_REDIS_NAMES = tuple(n for n in known_names(VARIABLES.values()) if n.startswith("REDIS_"))
_MOOGSOFT_NAMES = ("MOOG_WEBHOOK_URL", "MOOG_HEALTH_URL")


@dataclass(frozen=True)
class Choices:
    """Which parts of the surroundings the demo stands in for, and the pace it sets."""

    embeds_redis: bool
    stands_in_for_moogsoft: bool
    pace: dict[str, str]

    def environment(self, env: Mapping[str, str], redis_url: str, moogsoft: str) -> dict[str, str]:
        """The environment for worker and beat, with the addresses of what the demo runs."""
        found = dict(env) | self.pace
        if self.embeds_redis:
            found["REDIS_URL"] = redis_url
        if self.stands_in_for_moogsoft:
            found["MOOG_WEBHOOK_URL"] = moogsoft
            # A proxy cannot see what listens on this machine alone.
            for name in ("NO_PROXY", "no_proxy"):
                found[name] = ",".join(filter(None, (found.get(name), "127.0.0.1")))
        return found


def choose(env: Mapping[str, str]) -> Choices:
    """Stand in for what is not configured.

    With a Redis that is configured the pace is the program's own: that pipeline is real.
    """
    embeds_redis = not any(_is_set(env, name) for name in _REDIS_NAMES)
    pace = {name: value for name, value in PACE.items() if not _is_set(env, name)}
    if _is_set(env, "REMEDIATION_MAX_BATCH_SIZE"):
        pace.pop("REMEDIATION_BATCH_SIZE", None)
    return Choices(
        embeds_redis=embeds_redis,
        stands_in_for_moogsoft=not any(_is_set(env, name) for name in _MOOGSOFT_NAMES),
        pace=pace if embeds_redis else {},
    )


def _is_set(env: Mapping[str, str], name: str) -> bool:
    return any(env.get(form, "").strip() for form in (name, name + FILE_SUFFIX))
