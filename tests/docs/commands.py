"""Run commands of `mutt-dlq`, one after the other, in one process: as many as a page has.

Reads lists of arguments as a line of JSON each, and prints for each how it ended.
"""

import json
import sys

from click.testing import CliRunner

from mutt_tasks.cli.group import dlq

for line in sys.stdin:
    ended = CliRunner().invoke(dlq, json.loads(line))
    print(json.dumps({"status": ended.exit_code, "told": ended.output}), flush=True)
