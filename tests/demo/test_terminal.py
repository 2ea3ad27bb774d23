"""`make run` at a terminal: a live table, and a Ctrl-C that ends everything in order."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

from tests.demo.demo_run import all_gone, command, descendants, environment

# Makes the pseudo-terminal the controlling one, so that Ctrl-C is what it is for a person.
TAKE_TERMINAL = (
    "import fcntl, os, sys, termios;"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execv(sys.argv[1], sys.argv[1:])"
)


class Screen:
    """The master side of a pseudo-terminal: reads what is shown, types."""

    def __init__(self, master: int) -> None:
        self._master = master
        self.text = ""

    def read_until(self, words: str, seconds: float = 30) -> None:
        """Read on until these words were shown, or the terminal is closed."""
        deadline = time.monotonic() + seconds
        while words not in self.text:
            assert time.monotonic() < deadline, self.text
            if select.select([self._master], [], [], 0.2)[0]:
                try:
                    piece = os.read(self._master, 65536)
                except OSError:
                    break
                self.text += piece.decode("utf-8", "replace")
        assert words in self.text, self.text

    def press_ctrl_c(self) -> None:
        """Type it."""
        os.write(self._master, b"\x03")


def test_ctrl_c_at_a_terminal_ends_everything_with_a_summary_that_adds_up(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", TAKE_TERMINAL, *command("--events", "2000")],
        cwd=tmp_path,
        env=environment(TERM="xterm-256color", POD_NAME="test"),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    screen = Screen(master)
    try:
        screen.read_until("To replay")
        screen.read_until("empty in about")
        children = descendants(process.pid)
        assert len(children) >= 4
        screen.press_ctrl_c()
        screen.read_until("none is lost, none doubled")
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        os.close(master)
    assert all_gone(children)
    assert "2,000 messages at the start" in screen.text
    # The lines of worker and beat do not disturb the table.
    assert "Warm shutdown" not in screen.text
    assert "Warm shutdown" in (tmp_path / ".data" / "worker.log").read_text()
