"""Two passwords for one Redis, so that it can be given another while we run.

MUTT's rotation has a current and a next password. Whoever connects tries the current one, and the
next one where the server refuses it. Our own connections and Celery's both do it here.
"""

from typing import Any

import redis


def try_also(pool: Any, password: str) -> None:
    """Let a pool's connections log in with this password where the server refuses their own.

    Each new connection begins with its own password again, so it does not matter when, how often
    and in which direction the server's password is changed. An empty `password` changes nothing.
    """
    if password:
        pool.connection_class = _with_second_password(pool.connection_class, password)


def _with_second_password(connection_class: Any, password: str) -> Any:
    class Connection(connection_class):  # type: ignore[misc]  # chosen by the pool
        password: Any

        # What plain connections and those that ask a Sentinel both go through.
        def connect_check_health(self, *args: Any, **kwargs: Any) -> None:
            try:
                super().connect_check_health(*args, **kwargs)
            except redis.AuthenticationError:
                own = self.password
                self.password = password
                try:
                    super().connect_check_health(*args, **kwargs)
                finally:
                    self.password = own

    return Connection
