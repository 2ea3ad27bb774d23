"""A console on the real server, and people with and without keys who come to it."""

from pathlib import Path

import pytest
from fastapi import FastAPI

from mutt_tasks.console.application import create_app
from mutt_tasks.store.store import Store
from tests.console.people import House, keys_in
from tests.pipeline import settings_of


@pytest.fixture
def house(store: Store, tmp_path: Path) -> House:
    """A console with a key for each role."""
    path = tmp_path / "keys"
    keys = keys_in(path)
    return House(app_on(store, CONSOLE_KEYS_FILE=path), keys, path)


def app_on(store: Store, **env: object) -> FastAPI:
    """A console on a store; both routes, and a queue to redirect to."""
    usual = {"REMEDIATION_ROUTES": "alerter,moog", "REMEDIATION_REDIRECT_QUEUES": "lab:queue"}
    return create_app(settings_of(**usual | env), store)
