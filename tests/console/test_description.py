"""The API's description is the one that is checked in, and has an example of everything."""

import json
from typing import Any

import pytest

from tests.console.people import API, House
from tests.services import ROOT
from tools.write_openapi import text

CHECKED_IN = ROOT / "docs" / "openapi.json"
FOUND: dict[str, Any] = json.loads(CHECKED_IN.read_text())
CALLS = [
    pytest.param(call, id=f"{method} {path.removeprefix(API)}")
    for path, calls in FOUND["paths"].items()
    for method, call in calls.items()
]


def test_the_description_is_the_one_that_is_checked_in(house: House) -> None:
    assert CHECKED_IN.read_text() == text(), "run `make docs`"
    assert house.stranger().get(f"{API}/openapi.json").json() == FOUND
    assert FOUND["openapi"].startswith("3.1.")


@pytest.mark.parametrize("call", CALLS)
def test_every_call_says_what_it_does_and_shows_an_example(call: dict[str, Any]) -> None:
    assert call["summary"]
    assert call["description"]
    for part in (call.get("requestBody"), *call["responses"].values()):
        for kind, content in (part or {}).get("content", {}).items():
            if kind != "application/problem+json":
                assert "example" in content or example_of(content["schema"]) is not None
    for parameter in call.get("parameters", []):
        assert parameter["name"].isascii()


def test_every_error_is_described_as_a_problem() -> None:
    errors = [
        response
        for calls in FOUND["paths"].values()
        for call in calls.values()
        for status, response in call["responses"].items()
        if status[0] in "45"
    ]

    assert errors
    assert {tuple(each["content"]) for each in errors} == {("application/problem+json",)}
    assert example_of({"$ref": "#/components/schemas/Problem"})["status"] == 412


def example_of(schema: dict[str, Any]) -> Any:
    """The example that a schema's parts make; fails where a part that is needed has none."""
    if "$ref" in schema:
        return example_of(FOUND["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    for key in ("examples", "enum"):
        if key in schema:
            return schema[key][0]
    if "anyOf" in schema:
        return None if {"type": "null"} in schema["anyOf"] else example_of(schema["anyOf"][0])
    if schema.get("type") == "array":
        return [example_of(schema["items"])]
    if schema.get("type") == "object" and "properties" in schema:
        return {name: example_of(part) for name, part in schema["properties"].items()}
    if schema.get("type") == "boolean":
        return True
    raise AssertionError(f"no example: {schema}")
