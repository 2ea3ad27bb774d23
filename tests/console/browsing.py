"""A real browser before a real console: what people see, and what they can do."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = shutil.which("chromium")


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield found
        finally:
            found.close()


@dataclass
class Person:
    """Somebody at a browser: what it complained of, and which addresses it asked."""

    context: BrowserContext
    base: str
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.set_default_timeout(15_000)
        self.context.on("request", lambda request: self.asked.append(request.url))
        self.page = self.tab()

    def tab(self) -> Page:
        """Another tab."""
        page = self.context.new_page()
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog {dialog.message}"))
        return page

    def goes(self, path: str) -> Page:
        """Open a page."""
        self.page.goto(f"{self.base}{path}")
        return self.page

    def logs_in(self, key: str) -> "Person":
        """Log in with a key."""
        self.goes("/login")
        self.page.fill("#key", key)
        self.page.press("#key", "Enter")
        self.page.wait_for_url(f"{self.base}/")
        return self

    def strangers(self) -> list[str]:
        """Addresses of other hosts that were asked."""
        return [url for url in self.asked if not url.startswith((self.base, "data:"))]

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(f"{kind}: {text}")


def width_of(page: Page) -> int:
    """How wide the page is, beyond what is seen as well."""
    found: Any = page.evaluate("document.documentElement.scrollWidth")
    return int(found)
