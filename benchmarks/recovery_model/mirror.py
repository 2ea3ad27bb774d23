"""A queue that the model works on, and the Redis list that policies see."""

from collections import deque
from collections.abc import Callable
from typing import Any

from benchmarks.recovery_model.message import Message

# Values in one command: enough to be quick, few enough to stay small.
CHUNK = 5000


class MirroredQueue:
    """A list of messages, oldest at the right, with what Redis does not know of it yet.

    The services push on the left and take from the right; so does everybody at the Redis list.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        self.messages: deque[Message] = deque()
        self._known = 0  # so many at the right end lie in Redis too
        self._taken = 0  # so many at Redis' right end are gone here

    def __len__(self) -> int:
        return len(self.messages)

    def push(self, message: Message) -> None:
        """LPUSH."""
        self.messages.appendleft(message)

    def take(self) -> Message:
        """RPOP: the oldest."""
        if self._known:
            self._known -= 1
            self._taken += 1
        return self.messages.pop()

    def send(self, pipeline: Any) -> None:
        """Add the commands to a pipeline that make the Redis list equal to this one."""
        if self._taken:
            pipeline.rpop(self.key, self._taken)
            self._taken = 0
        fresh = len(self.messages) - self._known
        # Oldest first, as LPUSH wants them; deques are slow in the middle, lists are not.
        newest_first = [self.messages[at].encoded() for at in range(fresh)]
        for start in range(fresh, 0, -CHUNK):
            pipeline.lpush(self.key, *reversed(newest_first[max(0, start - CHUNK) : start]))
        self._known = len(self.messages)

    def receive(self, client: Any, length: int, decode: Callable[[bytes], Message]) -> list[int]:
        """Take over what was pushed on the Redis list; returns its numbers, oldest first.

        `length` is the list's length now.
        """
        pushed = length - len(self.messages)
        if pushed < 0:
            raise RuntimeError(f"{self.key}: a policy took messages off a target")
        numbers = []
        for raw in reversed(client.lrange(self.key, 0, pushed - 1) if pushed else []):
            message = decode(raw)
            self.messages.appendleft(message)
            numbers.append(message.number)
        self._known = len(self.messages)
        return numbers

    def reread(
        self, client: Any, decode: Callable[[bytes], Message]
    ) -> tuple[list[int], list[int]]:
        """Take over the Redis list as it is; returns the numbers that came, and those that left."""
        before = {message.number: message for message in self.messages}
        messages = [decode(raw) for raw in client.lrange(self.key, 0, -1)]
        self.messages = deque(before.get(each.number, each) for each in messages)
        self._known = len(self.messages)
        now = {message.number for message in messages}
        return (
            [each.number for each in messages if each.number not in before],
            [number for number in before if number not in now],
        )
