"""Connections to the pipeline's Redis, and its errors in our own terms."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from mutt_tasks.errors import StoreCorrupt, StoreRefused, StoreUnavailable
from mutt_tasks.settings.redis_address import RedisAddress
from mutt_tasks.store.login import try_also

# Three quick tries bridge a restart of the connection; a longer outage is the next tick's
# business. Every write of ours is a script that recognises its own repetition, so that
# trying again after a lost answer is safe.
RETRIES = 3
TIMEOUT = 5.0


def connect(address: RedisAddress, timeout: float = TIMEOUT, retries: int = RETRIES) -> redis.Redis:
    """A client for the address; no connection is made yet.

    `timeout` bounds connecting and each answer, in seconds; `retries` are further tries.
    """
    client = _client(address, timeout, retries)
    try_also(client.connection_pool, address.next_password)
    return client


def _client(address: RedisAddress, timeout: float, retries: int) -> redis.Redis:
    options: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "socket_keepalive": True,
        "retry": Retry(ExponentialBackoff(cap=1.0, base=0.1), retries),
        "db": address.db,
        "username": address.username or None,
        "password": address.password or None,
    }
    if address.scheme == "unix":
        del options["socket_keepalive"]
        return redis.Redis(unix_socket_path=address.path, **options)
    if address.tls:
        options |= {
            "ssl": True,
            "ssl_cert_reqs": "required",
            "ssl_check_hostname": True,
            "ssl_ca_certs": address.ca_cert or None,
            "ssl_certfile": address.client_cert or None,
            "ssl_keyfile": address.client_key or None,
        }
    if address.scheme == "sentinel":
        watched = {name: value for name, value in options.items() if name.startswith("s")}
        sentinel: Any = Sentinel  # redis-py leaves this class without types
        found = sentinel(list(address.hosts), sentinel_kwargs=watched, **options)
        master: redis.Redis = found.master_for(address.service)
        return master
    host, port = address.hosts[0]
    return redis.Redis(host=host, port=port, **options)


def seconds_of(time: tuple[int, int]) -> float:
    """What TIME answers (seconds and microseconds), in seconds since 1970."""
    seconds, microseconds = time
    return float(seconds) + float(microseconds) / 1_000_000


@contextmanager
def translated() -> Iterator[None]:
    """Turn redis-py's errors into ours, without their texts, which can quote arguments."""
    try:
        yield
    except redis.AuthenticationError:
        raise StoreRefused("Redis refuses the login: check user and password") from None
    except (redis.TimeoutError, redis.ConnectionError) as error:
        raise StoreUnavailable(f"Redis cannot be reached ({type(error).__name__})") from None
    except redis.ResponseError as error:
        raise _refusal(error) from None
    except redis.RedisError as error:
        raise StoreUnavailable(f"Redis failed ({type(error).__name__})") from None


def _refusal(error: redis.ResponseError) -> StoreRefused | StoreCorrupt:
    """Redis' error answer by its code, the upper-case word that it opens with."""
    # redis-py takes the codes that it knows out of the text.
    answer = f"{error.status_code or ''} {error}".strip()
    if "WRONGTYPE" in answer:
        return StoreCorrupt("a key holds another type of value than it should")
    reasons = {
        "NOAUTH": "it wants a password",
        "WRONGPASS": "user or password are wrong",
        "NOPERM": "our user lacks a right",
        "READONLY": "it is a read-only replica",
        "OOM": "its memory is full",
        "MISCONF": "it cannot save to disk and accepts no writes",
        "NOREPLICAS": "too few replicas are in sync",
        "MASTERDOWN": "it is a replica that has lost its master",
        "CROSSSLOT": "it is a Redis Cluster, which mutt_tasks does not support",
        "MOVED": "it is a Redis Cluster, which mutt_tasks does not support",
        "CLUSTERDOWN": "it is a Redis Cluster, which mutt_tasks does not support",
        "BUSY": "a script of somebody else's blocks it",
    }
    for code, reason in reasons.items():
        if re.search(rf"\b{code}\b", answer):
            return StoreRefused(f"Redis refuses: {reason} ({code})")
    code = answer.split(" ", 1)[0]
    return StoreRefused(f"Redis refuses ({code if code.isupper() else 'unknown error'})")
