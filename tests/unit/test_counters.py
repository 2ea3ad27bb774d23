"""Counters: each name is written and read by the same word, and damage is passed over."""

import pytest

from mutt_tasks.store import counters
from mutt_tasks.store.counters import BOUNCED, CYCLES, LIMITS, REPLAYED, Counters, Family

FAMILIES = [each for each in vars(counters).values() if isinstance(each, Family)]
FAMILIES += list(counters.QUARANTINED.values())


def stats(**fields: str) -> Counters:
    return Counters.read({name.encode(): value.encode() for name, value in fields.items()})


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.word)
def test_what_is_written_under_a_name_is_read_under_it(family: Family) -> None:
    values = tuple(f"{label} value" for label in family.labels)
    found = stats(**{family.of(*values): "7"})
    assert found.value(family.of(*values)) == 7
    for other in FAMILIES:
        expected = {values: 7} if other == family and family.labels else {}
        assert found.family(other) == expected


def test_names_are_what_dashboards_and_running_systems_know() -> None:
    assert CYCLES.of("alerter", "held", "paused") == "cycles:alerter:held:paused"
    assert CYCLES.of("alerter", "replayed", "") == "cycles:alerter:replayed:"
    assert counters.DURATION_BUCKET.of("+Inf") == "duration:le:+Inf"
    assert counters.BAD_COUNTERS.of("moog") == "odd:moog"
    assert counters.TICKS_REFUSED.of("busy") == "ticks:busy"


@pytest.mark.parametrize("values", [(), ("alerter", "moog")])
def test_a_name_needs_one_value_for_each_label(values: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"replayed: got . labels"):
        REPLAYED.of(*values)


def test_only_the_last_label_may_hold_a_colon() -> None:
    found = stats(**{"limits:alerter:a:b": "1", "cycles:alerter:held": "1"})
    assert found.family(LIMITS) == {("alerter", "a:b"): 1}
    assert found.family(CYCLES) == {}


def test_sums_are_over_one_family_alone() -> None:
    found = stats(**{"replayed:alerter": "2", "replayed:moog": "3", "bounced:moog": "4"})
    assert (found.total(REPLAYED), found.total(BOUNCED)) == (5, 4)


@pytest.mark.parametrize("damage", ["", "x", "-1", "1.5", "9" * 5000, "\u0663"])
def test_a_value_that_is_no_counter_is_passed_over(damage: str) -> None:
    found = stats(loops=damage, **{"replayed:moog": "3", counters.LAST_CYCLE_MS: damage})
    assert found.value("loops") == 0
    assert found.last_cycle is None
    assert found.total(REPLAYED) == 3


@pytest.mark.parametrize(
    ("seconds", "bound"), [(0.0, "0.005"), (0.005, "0.005"), (0.0051, "0.01"), (31.0, "+Inf")]
)
def test_a_duration_raises_the_first_bucket_that_holds_it(seconds: float, bound: str) -> None:
    raised = counters.duration(seconds)
    assert raised == {f"duration:le:{bound}": 1, "duration:us": round(seconds * 1_000_000)}
