"""Replays whose fate is open: what lands, what comes back, and what still lies in a queue."""

from mutt_tasks.core.in_flight import InFlight

NOW = 1_800_000_000.0


def test_a_batch_counts_what_went_since_the_last_look() -> None:
    sent = InFlight().sent(3, NOW).sent(4, NOW + 1)

    assert (sent.batch, sent.sent_at) == (7, NOW + 1)
    looked = sent.after_look(5)
    assert (looked.batch, looked.in_queues, looked.sent_at) == (0, 5, NOW + 1)
    assert looked.cohorts == sent.cohorts


def test_replays_within_five_seconds_share_a_cohort() -> None:
    first = InFlight().sent(3, NOW)

    assert first.sent(4, NOW + 4.9).cohorts == ((NOW, 7.0),)
    assert first.sent(4, NOW + 5).cohorts == ((NOW, 3.0), (NOW + 5, 4.0))
    assert first.sent(4, NOW).cohorts == ((NOW, 7.0),)
    # Behind a clock that went back a new cohort begins.
    assert first.sent(4, NOW - 1).cohorts == ((NOW, 3.0), (NOW - 1, 4.0))


def test_what_was_taken_is_what_lay_there_and_what_went_without_what_is_left_or_came_back() -> None:
    assert InFlight(batch=10, in_queues=5).taken(in_queues=3, returned=2) == 10


def test_the_consumer_takes_replays_if_fewer_lie_there_or_some_came_back() -> None:
    flight = InFlight(batch=10, in_queues=5, progress_at=1.0)

    assert flight.looked(14, 0, NOW).progress_at == NOW
    assert flight.looked(15, 0, NOW).progress_at == 1.0
    assert flight.looked(15, 1, NOW).progress_at == NOW


def test_what_has_stayed_away_for_two_minutes_has_landed() -> None:
    flight = InFlight().sent(10, NOW)

    assert flight.aged(0, 0, NOW + 119.9) == (flight, 0)
    aged, landed = flight.aged(0, 0, NOW + 120)
    assert (aged.cohorts, aged.owed, landed) == ((), 0.0, 10)


def test_what_came_back_is_taken_off_the_oldest_and_the_rest_of_it_off_the_next() -> None:
    flight = InFlight().sent(10, NOW).sent(20, NOW + 60)

    early, landed = flight.aged(0, 4, NOW + 100)
    assert (early.owed, landed) == (4.0, 0)
    later, landed = early.aged(0, 9, NOW + 120)
    assert (later.cohorts, later.owed, landed) == (((NOW + 60, 20.0),), 3.0, 0)
    last, landed = later.aged(0, 0, NOW + 180)
    assert (last.cohorts, last.owed, landed) == ((), 0.0, 17)


def test_no_more_is_owed_than_is_open() -> None:
    flight, landed = InFlight().sent(10, NOW).aged(0, 25, NOW + 1)

    assert (flight.owed, landed) == (10.0, 0)


def test_the_youngest_lie_in_the_queues_so_that_older_ones_can_land() -> None:
    flight = InFlight().sent(10, NOW).sent(20, NOW + 60)

    assert flight.aged(20, 0, NOW + 120)[1] == 10
    assert flight.aged(21, 0, NOW + 120)[1] == 0


def test_replays_that_were_taken_back_untried_do_not_land() -> None:
    flight = InFlight().sent(10, NOW).taken_back(4)

    assert flight.aged(0, 0, NOW + 120)[1] == 6


def test_forty_eight_cohorts_are_kept_and_the_oldest_lands_early() -> None:
    flight = InFlight(cohorts=tuple((NOW + n, 1.0) for n in range(48)))
    assert flight.aged(0, 0, NOW + 50)[1] == 0

    flight = InFlight(cohorts=tuple((NOW + n, 1.0) for n in range(49)))
    aged, landed = flight.aged(0, 0, NOW + 50)
    assert (landed, aged.cohorts[0]) == (1, (NOW + 1, 1.0))


def test_a_cohort_from_the_future_is_one_before_a_clock_went_back() -> None:
    assert InFlight(cohorts=((NOW + 9, 5.0),)).aged(0, 0, NOW)[1] == 5
