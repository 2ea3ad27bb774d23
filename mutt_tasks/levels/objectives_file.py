"""The file with objectives of one's own (`slo.yaml`), and the file of rules, both in YAML.

PyYAML comes with the extra `slo`; nothing but these two functions needs it.
"""

from pathlib import Path
from typing import Any

from mutt_tasks.core.slo import Objective
from mutt_tasks.core.slo_data import objectives_of
from mutt_tasks.core.slo_objectives import OBJECTIVES
from mutt_tasks.errors import ExtraMissing, InvalidArgument

_MOST_BYTES = 1 << 20


def load(path: str) -> tuple[Objective, ...]:
    """The objectives that the file makes of those that are built in; without a file these.

    Raises InvalidArgument with a line that says what cannot be used, or ExtraMissing.
    """
    if not path:
        return OBJECTIVES
    yaml = _yaml(f"{path} cannot be read")
    try:
        with Path(path).open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise InvalidArgument(f"{path}: accepts at most {_MOST_BYTES} bytes")
        return objectives_of(yaml.safe_load(text))
    except OSError as error:
        raise InvalidArgument(f"{path}: cannot be read ({error.strerror})") from None
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" (line {where.line + 1})" if where else ""
        raise InvalidArgument(f"{path}: is no YAML{line}") from None
    except RecursionError:
        raise InvalidArgument(f"{path}: is nested too deeply") from None
    except ValueError as error:
        raise InvalidArgument(f"{path}: {error}") from None


def written(rules: dict[str, Any]) -> str:
    """Rules as Prometheus reads them; raises ExtraMissing."""
    yaml = _yaml("rules cannot be written")

    class Dumper(yaml.SafeDumper):  # type: ignore[misc, name-defined]  # of a lazy import
        """Writes text of several lines as lines."""

    def text(dumper: Any, value: str) -> Any:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    found: str = yaml.dump(rules, Dumper=Dumper, sort_keys=False, width=100, allow_unicode=True)
    return found


def _yaml(what: str) -> Any:
    try:
        import yaml
    except ImportError:
        raise ExtraMissing(f"{what} without PyYAML: pip install 'mutt-tasks[slo]'") from None
    return yaml
