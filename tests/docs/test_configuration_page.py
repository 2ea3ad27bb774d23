"""The written pages are what `make docs` would write now."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from mutt_tasks.settings import VARIABLES

ROOT = Path(__file__).parent.parent.parent


def _writer() -> Any:
    spec = importlib.util.spec_from_file_location("writer", ROOT / "tools/write_configuration.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["docs/configuration.md", ".env.template"])
def test_a_page_is_current(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == _writer().PAGES[name]()


@pytest.mark.parametrize("name", ["docs/configuration.md", ".env.template"])
def test_a_page_names_every_variable(name: str) -> None:
    page = (ROOT / name).read_text(encoding="utf-8")
    assert [spec.name for spec in VARIABLES.values() if spec.name not in page] == []
