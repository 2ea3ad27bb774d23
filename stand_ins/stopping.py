"""SIGINT, SIGTERM and SIGHUP as one event, so that everything ends in its order."""

import signal
import threading


def stop_on_signals() -> threading.Event:
    """An event that is set by the first of these signals; a later one changes nothing."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # `nohup` asks to outlive the terminal.
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: stopping.set())
    return stopping
