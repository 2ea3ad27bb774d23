"""The processes that send, one for each message: started, waited for, ended when they hang."""

import subprocess
import sys
import time
from collections.abc import Callable

# So long beyond its own time a process may take to start, and to note what came of it.
GRACE = 90.0
# Each needs about 65 MiB; one that hangs is over within its time, and then tried less often.
MOST_AT_ONCE = 6

Start = Callable[[str, str], subprocess.Popen[bytes]]


def start(target: str, its_id: str) -> subprocess.Popen[bytes]:
    """Start a process that sends a message to a target."""
    return subprocess.Popen(  # noqa: S603  # our own module, and names from our settings
        [sys.executable, "-m", "mutt_tasks.notify.post", target, its_id],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        # What goes wrong there might show the address; what matters it notes in Redis.
        stderr=subprocess.DEVNULL,
        # A signal to our group is not meant for it: what is on its way is to arrive.
        start_new_session=True,
    )


class Posting:
    """Our own processes, by target; each may take `seconds` for a message.

    `longest` is how long it may live, in seconds.
    """

    def __init__(self, seconds: float, begin: Start = start, grace: float = GRACE) -> None:
        self.longest = seconds + grace
        self._begin = begin
        self._running: dict[str, tuple[str, float, subprocess.Popen[bytes]]] = {}

    def send(self, target: str, its_id: str) -> None:
        """Begin to send a message."""
        self._running[target] = (its_id, time.monotonic(), self._begin(target, its_id))

    def is_running(self, target: str, its_id: str) -> bool:
        """Whether a process of ours still sends this message; one that hangs is ended."""
        found = self._running.get(target)
        if found is None or found[0] != its_id:
            return False
        _, since, process = found
        if process.poll() is None and time.monotonic() - since > self.longest:
            process.kill()
            process.wait()
        return process.poll() is None

    def was_ours(self, target: str, its_id: str) -> bool:
        """Whether it was a process of ours that was to send this message."""
        return target in self._running and self._running[target][0] == its_id

    def reap(self) -> None:
        """Take note of those that have ended."""
        for _, _, process in self._running.values():
            process.poll()

    def wait(self) -> None:
        """Wait until all have ended, as long as they may take."""
        for _, since, process in self._running.values():
            left = self.longest - (time.monotonic() - since)
            try:
                process.wait(max(0.0, left))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
