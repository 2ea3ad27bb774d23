"""What the notifier knows between two looks: how far it has read, what there is to tell."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mutt_tasks.core.causes import Cause
from mutt_tasks.core.packing import packed, unpacked
from mutt_tasks.core.recovery import Backlog, Books
from mutt_tasks.core.telling import Target

_TARGET = "target:"


@dataclass(frozen=True)
class Reading:
    """How far it has read: the journal up to the entry `journal`, and the `books` of that moment.

    `arrived` is how many messages had come to the dead letter list by then, of which the newest
    `unseen` were not looked at yet. `dropped` causes were given up.
    """

    journal: str = ""
    books: Books = Books()
    backlog: Backlog | None = None
    arrived: int = 0
    unseen: int = 0
    dropped: int = 0


@dataclass(frozen=True)
class Knowledge:
    """All of it; `step` counts the writes, `looked_at` is the last look (seconds since 1970).

    `groups` are the groups of messages that are known to lie in the dead letter list.
    """

    step: int = 0
    looked_at: float = 0.0
    reading: Reading = Reading()
    groups: tuple[str, ...] = ()
    causes: Mapping[str, Cause] = field(default_factory=dict)
    targets: Mapping[str, Target] = field(default_factory=dict)

    def fields(self) -> dict[str, str]:
        """As it is kept, without its step."""
        return {
            "looked_at": f"{self.looked_at:.3f}",
            "reading": packed(self.reading),
            "groups": packed(self.groups),
            "causes": packed(self.causes),
            **{_TARGET + name: packed(target) for name, target in self.targets.items()},
        }


def knowledge_of(found: Mapping[str, str]) -> Knowledge:
    """The knowledge that was kept; what cannot be read of it is as at the very beginning."""
    names = [name for name in found if name.startswith(_TARGET)]
    targets = {name[len(_TARGET) :]: _read(Target, found[name], Target()) for name in names}
    return Knowledge(
        _read(int, found.get("step", ""), 0),
        _read(float, found.get("looked_at", ""), 0.0),
        _read(Reading, found.get("reading", ""), Reading()),
        groups=_read(tuple[str, ...], found.get("groups", ""), ()),
        causes=_read(Mapping[str, Cause], found.get("causes", ""), {}),
        targets=targets,
    )


def _read(kind: Any, text: str, default: Any) -> Any:
    try:
        return unpacked(kind, text)
    except ValueError:
        return default
