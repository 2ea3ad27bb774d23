"""Takes docs/console*.png: a run of the demo, and a headless Chromium that looks at its console.

Run from the repository's root. It needs Debian's package chromium, free ports, and two minutes.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
EVENTS = 20_000
WAIT_SECONDS = 180.0
# What is shown has to have happened: messages that came back from a replay, curves with a past.
CURVE_SECONDS = 90.0


def printed(run: subprocess.Popen[bytes], out: Path, pattern: str) -> str:
    """The first group of a pattern, as soon as the run has printed it."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline and run.poll() is None:
        if found := re.search(pattern, out.read_text(), re.MULTILINE):
            return found.group(1)
        time.sleep(0.2)
    raise SystemExit(f"the demo did not print {pattern}:\n{out.read_text()}")


def tab(browser: Browser, base: str, key: str, scheme: Literal["light", "dark"] = "light") -> Page:
    """A page of somebody who is logged in."""
    page = browser.new_context(
        viewport={"width": 1180, "height": 860}, color_scheme=scheme
    ).new_page()
    page.goto(f"{base}/login")
    page.fill("#key", key)
    page.press("#key", "Enter")
    page.wait_for_url(f"{base}/")
    return page


def take(browser: Browser, base: str, key: str) -> None:
    """The three pictures."""
    page = tab(browser, base, key)
    time.sleep(CURVE_SECONDS)
    page.wait_for_selector(".sentence:has-text('Replaying')", timeout=1000 * WAIT_SECONDS)
    page.screenshot(path=DOCS / "console.png")
    page.goto(f"{base}/messages?where=reason:shed")
    page.click("button[value=replay]")
    page.wait_for_selector("dialog[open]")
    page.screenshot(path=DOCS / "console-plan.png")
    dark = tab(browser, base, key, "dark")
    dark.goto(f"{base}/messages?where=replays>=1&order=newest")
    dark.click("tbody td.text a")
    dark.wait_for_load_state()
    dark.screenshot(path=DOCS / "console-message.png")


def main() -> None:
    """Run, look, end."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.txt"
        command = [sys.executable, "-m", "demo", "--outage", "0", "--events", str(EVENTS)]
        with out.open("wb") as file:
            run = subprocess.Popen(
                [*command, "--data", f"{folder}/data"],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stdout=file,
                stderr=subprocess.DEVNULL,
            )
        try:
            base = printed(run, out, r"^ +Console +(\S+)/$")
            key = printed(run, out, r"^ +operator +(mutt-\S+)$")
            printed(run, out, r"(\| replaying)")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path="/usr/bin/chromium", args=["--no-sandbox"]
                )
                take(browser, base, key)
        finally:
            run.terminate()
            run.wait()


if __name__ == "__main__":
    main()
