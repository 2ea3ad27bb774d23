"""Write `monitoring/slo-rules.yml` from the objectives that are built in.

`make docs` runs it; a test fails when the file is not what it would write. `mutt-dlq slo --rules`
prints the same for objectives of one's own.
"""

import sys
from pathlib import Path

from mutt_tasks.core.slo_objectives import OBJECTIVES
from mutt_tasks.core.slo_rules import rules
from mutt_tasks.levels.objectives_file import written

ROOT = Path(__file__).parent.parent
NAME = "monitoring/slo-rules.yml"

HEAD = """\
# Service levels: recording rules and burn-rate alerts, written by `make docs` from
# mutt_tasks/core/slo_objectives.py. For objectives of your own: `mutt-dlq slo --rules`.
"""


def page() -> str:
    """The file."""
    return HEAD + written(rules(OBJECTIVES))


def main() -> int:
    """Write it."""
    (ROOT / NAME).write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
