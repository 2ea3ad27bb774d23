"""The two ways back into the pipeline: what each resets, counts and requires."""

from mutt_tasks.core.routes import Route, alerter_route, moog_route


def test_the_alerters_route() -> None:
    assert alerter_route("from", "to", "dead") == Route(
        name="alerter",
        source="from",
        target="to",
        dead="dead",
        reset_fields=("_retry_count",),
        failure_fields=("_moog_retry_count",),
        shed_field="shedding_reason",
        puts_consumer_to_sleep=False,
        required_fields=("hostname", "timestamp", "message"),
        scalar_fields=("hostname",),
        text_field="message",
        text_instead="trap_oid",
    )


def test_the_forwarders_route() -> None:
    assert moog_route("from", "to", "dead") == Route(
        name="moog",
        source="from",
        target="to",
        dead="dead",
        reset_fields=("_moog_retry_count",),
        puts_consumer_to_sleep=True,
        scalar_fields=("severity",),
    )


def test_a_route_reads_its_own_fields_our_header_and_the_timestamp() -> None:
    assert alerter_route("a", "b", "c").read_fields == {
        *("_retry_count", "_moog_retry_count", "shedding_reason", "hostname", "timestamp"),
        *("message", "_remediation"),
    }
    assert moog_route("a", "b", "c").read_fields == {
        *("_moog_retry_count", "severity", "timestamp", "_remediation"),
    }
