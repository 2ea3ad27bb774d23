"""A live client in a process of its own: PORT; it ends at the end of its input."""

import json
import select
import sys
import time

import redis

PAUSE = 0.001


def main(port: int) -> None:
    """Push to a list of its own about a thousand times a second; print what that took."""
    client = redis.Redis(port=port)
    client.ping()
    print("begun", flush=True)
    took: list[float] = []
    while not select.select([sys.stdin], [], [], PAUSE)[0]:
        started = time.perf_counter()
        client.lpush("bench:live", b"x" * 400)
        took.append((time.perf_counter() - started) * 1000)
        if len(took) % 1000 == 0:
            client.unlink("bench:live")
    took.sort()
    shares = {"middle": 0.5, "p99": 0.99, "p999": 0.999}
    found = {name: took[int(share * len(took))] for name, share in shares.items()}
    print(json.dumps({"server": "", "case": "", **found}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
