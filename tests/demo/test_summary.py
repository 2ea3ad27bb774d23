"""The summary says what became of every message, and complains when one is missing."""

from collections import Counter
from dataclasses import replace

from demo.status import Status
from demo.summary import of_configured_redis, of_own_pipeline
from stand_ins.books import Inventory, Losses, weigh

DLQ, DEAD, INGEST = "mutt:dlq:alerter", "mutt:dlq:dead", "mutt:ingest_queue"


def inventory(dlq: str = "", dead: str = "") -> Inventory:
    """One message for each letter."""
    names = [letter.encode() for letter in dlq + dead]
    reasons = Counter({"poison": len(dead)}) if dead else Counter[str]()
    return Inventory({DLQ: len(dlq), DEAD: len(dead)}, Counter(names), reasons)


def arrived(letters: str) -> Counter[bytes]:
    return Counter(letter.encode() for letter in letters)


def status(
    replayed: int, poison: int = 0, came_back: int = 0, dlq: int = 0, sheltered: int = 0
) -> Status:
    return Status(
        elapsed=1.0,
        dlqs={DLQ: dlq},
        replayed=replayed,
        quarantined={"poison": poison},
        came_back=came_back,
        sheltered=sheltered,
    )


def test_a_run_in_which_all_is_well_adds_up() -> None:
    found = weigh(inventory(dlq="abcd"), inventory(dlq="c", dead="d"), arrived("ab"), Losses())
    summary = of_own_pipeline(found, status(replayed=5, poison=1, came_back=3, dlq=1))
    assert summary.complaints == []
    assert summary.lines[0] == (
        "4 messages at the start = 2 accepted by Moogsoft + 1 poison + 1 still in queues"
    )
    assert summary.lines[1] == (
        "4 in the dead letter queues + 3 that came back = 5 replayed + 1 set aside + 1 still there"
    )


def test_what_was_sheltered_is_part_of_the_sum_and_told() -> None:
    found = weigh(inventory(dlq="abcd"), inventory(), arrived("abcd"), Losses())
    summary = of_own_pipeline(found, status(replayed=7, sheltered=3))
    assert summary.complaints == []
    assert "4 in the dead letter queues + 0 that came back + 3 sheltered = 7" in summary.lines[1]
    assert any(line.startswith("Sheltered: 3 times an alert") for line in summary.lines)
    assert not any(line.startswith("Without shelter") for line in summary.lines)


def test_live_events_are_followed_and_what_shelter_saved_is_told() -> None:
    joined = arrived("xyz")
    found = weigh(inventory(dlq="ab"), inventory(dlq="z"), arrived("abxy"), Losses(), joined)
    last = replace(status(replayed=4, sheltered=3, dlq=1), would_be_destroyed=2)
    summary = of_own_pipeline(found, last)
    assert summary.complaints == []
    assert summary.lines[0] == (
        "2 messages at the start + 3 live = 4 accepted by Moogsoft + 1 still in queues"
    )
    assert any("about 2 of the 3 live alerts would have been" in line for line in summary.lines)


def test_a_live_event_that_is_lost_or_doubled_is_named() -> None:
    found = weigh(inventory(dlq="a"), inventory(), arrived("axx"), Losses(), arrived("xy"))
    complaints = of_own_pipeline(found, status(replayed=1)).complaints
    assert "1 lost: b'y'" in complaints
    assert "1 there more than once: b'x'" in complaints


def test_a_lost_message_is_named() -> None:
    found = weigh(inventory(dlq="abc"), inventory(), arrived("ab"), Losses())
    summary = of_own_pipeline(found, status(replayed=3))
    assert "1 lost: b'c'" in summary.complaints


def test_what_the_pipeline_destroyed_is_accounted_for_and_shown() -> None:
    losses = Losses()
    for letter in (b"c", b"d"):
        losses.note(letter, "by the forwarder")
    found = weigh(inventory(dlq="abcd"), inventory(), arrived("ab"), losses)
    summary = of_own_pipeline(found, status(replayed=4))
    assert summary.complaints == []
    assert summary.lines[0] == (
        "4 messages at the start = 2 accepted by Moogsoft + 2 destroyed by the pipeline itself"
        " + 0 still in queues"
    )
    assert summary.lines[-1] == "Destroyed by the forwarder: 2"


def test_a_message_that_is_destroyed_and_still_there_is_doubled() -> None:
    losses = Losses()
    losses.note(b"a", "by the forwarder")
    found = weigh(inventory(dlq="ab"), inventory(dlq="a"), arrived("b"), losses)
    summary = of_own_pipeline(found, status(replayed=2, came_back=1, dlq=1))
    assert "1 there more than once: b'a'" in summary.complaints


def test_a_doubled_message_is_named() -> None:
    found = weigh(inventory(dlq="ab"), inventory(), arrived("abb"), Losses())
    assert "1 there more than once: b'b'" in of_own_pipeline(found, status(2)).complaints


def test_a_loss_and_a_double_do_not_cancel_out() -> None:
    found = weigh(inventory(dlq="ab"), inventory(), arrived("bb"), Losses())
    complaints = of_own_pipeline(found, status(2)).complaints
    assert len(complaints) == 2


def test_messages_that_somebody_puts_in_are_counted_apart() -> None:
    found = weigh(inventory(dlq="a"), inventory(), arrived("axy"), Losses())
    summary = of_own_pipeline(found, status(replayed=2))
    assert summary.complaints == []
    assert "1 messages at the start + 2 put in from elsewhere" in summary.lines[0]


def test_counters_that_do_not_match_the_lists_are_a_complaint() -> None:
    found = weigh(inventory(dlq="ab"), inventory(), arrived("ab"), Losses())
    for replayed in (1, 3):
        assert of_own_pipeline(found, status(replayed)).complaints


def test_what_was_dead_before_is_told_apart() -> None:
    found = weigh(inventory(dlq="a", dead="x"), inventory(dead="x"), arrived("a"), Losses())
    summary = of_own_pipeline(found, status(replayed=1))
    assert summary.complaints == []
    assert summary.lines[0].startswith("2 messages at the start (1 of them dead before) =")


def test_on_somebody_elses_redis_the_sum_says_what_arrived_meanwhile() -> None:
    first, last = status(0, dlq=10), status(8, poison=1, dlq=4)
    assert of_configured_redis(first, last).lines == [
        "10 in the dead letter queues + 3 that arrived = 8 replayed + 1 set aside + 4 still there"
    ]
