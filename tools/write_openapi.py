"""Write `docs/openapi.json`, the description of the console's API.

`make docs` runs it; a test fails when the file is not what it would write.
"""

import json
import sys
from pathlib import Path

from mutt_tasks.console.application import opened
from mutt_tasks.settings import load

PAGE = Path(__file__).parent.parent / "docs" / "openapi.json"


def text() -> str:
    """What stands in the file."""
    return json.dumps(opened(load({})).openapi(), indent=1) + "\n"


def main() -> int:
    """Write it."""
    PAGE.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
