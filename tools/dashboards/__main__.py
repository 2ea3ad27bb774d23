"""Write `monitoring/grafana/dashboards/*.json`.

`make dashboards` runs it; a test fails when the files are not what it would write.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from tools.dashboards import celery_tasks, overview, route

FOLDER = Path(__file__).parents[2] / "monitoring" / "grafana" / "dashboards"

DASHBOARDS: dict[str, Callable[[], Dashboard]] = {
    "overview.json": overview.overview,
    "route.json": route.route,
    "celery_tasks.json": celery_tasks.celery_tasks,
}


def written(dashboard: Dashboard) -> str:
    """A dashboard as it stands in its file."""
    return json.dumps(dashboard, cls=JSONEncoder, indent=1, sort_keys=True) + "\n"


def main() -> int:
    """Write all of them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make in DASHBOARDS.items():
        (FOLDER / name).write_text(written(make()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
