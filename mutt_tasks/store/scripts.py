"""The Lua scripts: loaded from their files, called by name, their answers checked."""

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

import redis

from mutt_tasks.errors import LeaseLost, StoreCorrupt
from mutt_tasks.store.connection import seconds_of, translated
from mutt_tasks.store.fields import listed

# These write more than one key, so they share the checks that come before a first write.
_CHECKED = frozenset(
    {
        *("acknowledge", "acquire", "advance", "aside", "audited", "balance", "cancel", "commit"),
        *(
            "empty_trash",
            "end_job",
            "finish",
            "import",
            "note",
            "notify_mark",
            "notify_save",
            "pause",
            "requeue",
            "resume",
            "submit",
        ),
    }
)
# These are given lists.
_READ_LISTS = frozenset(
    {
        *("acknowledge", "aside", "audited", "balance", "cancel", "commit", "empty_trash"),
        *("end_job", "finish", "import", "landing", "note", "notify_mark", "notify_save"),
        *("pause", "reads", "requeue", "resume", "submit"),
    }
)
# These write an entry of the audit.
_AUDITED = frozenset(
    {
        *("acknowledge", "audited", "cancel", "commit", "empty_trash", "end_job", "import", "note"),
        *("pause", "requeue", "resume", "submit"),
    }
)
# These go through the newest messages of a list.
_READ_CHUNKS = frozenset({"arrivals", "landing"})
# These only read, or write nothing but one key.
_OTHERS = frozenset({"adjacent", "look", "oldest", "reading", "reads", "release", "standing"})
_SHARED = {
    "checks": _CHECKED,
    "lists": _READ_LISTS,
    "chunks": _READ_CHUNKS,
    "audit": _AUDITED,
}


class Scripts:
    """The scripts of this package, on one connection."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._registered = {
            name: client.register_script(source(name)) for name in _CHECKED | _READ_CHUNKS | _OTHERS
        }

    def call(self, name: str, keys: list[str], args: list[Any]) -> Any:
        """Run one script.

        Raises StoreUnavailable, StoreRefused or StoreCorrupt, and LeaseLost when the script
        found that the lease is not ours.
        """
        with translated():
            answer = self._registered[name](keys=keys, args=args)
        # What `look` and others answer are messages, which may read like anything.
        if name in _CHECKED and answer[0] == b"fenced":
            raise LeaseLost("another cycle holds the lease")
        if name in _CHECKED and answer[0] == b"corrupt":
            raise StoreCorrupt(
                f"{answer[1].decode('utf-8', 'replace')} does not hold what it should"
            )
        return answer

    def read(self, *reads: Sequence[Any], is_lenient: bool = False) -> list[Any]:
        """What several reads answer at the same moment; each is a command, a key, and the rest.

        Where a key holds something else, raises StoreCorrupt, or answers None if `is_lenient`.
        """
        return self._read(reads, 0, is_lenient=is_lenient)[1:]

    def read_at(self, *reads: Sequence[Any], is_lenient: bool = False) -> tuple[float, list[Any]]:
        """The same, behind the moment by Redis' own clock, in seconds since 1970."""
        time, *answers = self._read(reads, 1, is_lenient=is_lenient)
        return seconds_of(time), answers

    def _read(
        self, reads: Sequence[Sequence[Any]], with_time: int, *, is_lenient: bool
    ) -> list[Any]:
        args = [part for command, _, *rest in reads for part in listed((command, *rest))]
        answers = self.call("reads", [key for _, key, *_ in reads], [with_time, *args])
        found: list[Any] = []
        for each in answers:
            is_wrong = isinstance(each, redis.ResponseError)
            if is_wrong and not is_lenient:
                with translated():
                    raise each
            found.append(None if is_wrong else each)
        return found


@cache
def source(name: str) -> str:
    """A script's text, with the shared parts that it needs in front."""
    folder = resources.files("mutt_tasks.store") / "lua"
    shared = [part for part, users in _SHARED.items() if name in users]
    texts = [(folder / f"{part}.lua").read_text(encoding="utf-8") for part in (*shared, name)]
    return "\n".join(texts)
