"""Addresses within the console: where people are sent on to, and back."""

from urllib.parse import urlsplit


def own_path(target: str) -> str:
    """A path of this console; whatever else is named leads to the first screen."""
    is_path = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if is_path and target.isprintable() else "/"


def path_in(url: str, authority: str) -> str:
    """Path and query of an address of ours, known as `authority`; any other leads to `/`.

    Its scheme does not count: behind a proxy with TLS it is not the one that we are asked by.
    """
    try:
        found = urlsplit(url)
    except ValueError:
        return "/"
    if found.netloc.lower() != authority.lower():
        return "/"
    return own_path(f"{found.path}?{found.query}" if found.query else found.path)
