"""What is configured is respected; what is not, the demo stands in for."""

import pytest

from demo.choices import PACE, choose
from mutt_tasks.settings import load


def test_with_nothing_configured_everything_is_stood_in_for() -> None:
    choices = choose({})
    assert choices.embeds_redis
    assert choices.stands_in_for_moogsoft
    assert choices.pace == PACE
    settings = load(choices.environment({}, "redis://127.0.0.1:7/0", "http://127.0.0.1:8/x"))
    assert settings.redis.address.shown == "redis://127.0.0.1:7/0"
    assert settings.moogsoft.webhook_url == "http://127.0.0.1:8/x"
    assert settings.pace.interval == 5


@pytest.mark.parametrize(
    "name", ["REDIS_URL", "REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD_FILE", "REDIS_TLS_ENABLED"]
)
def test_a_configured_redis_is_used_as_it_is_and_at_the_programs_own_pace(name: str) -> None:
    choices = choose({name: "x"})
    assert not choices.embeds_redis
    assert choices.pace == {}
    assert "REDIS_URL" not in choices.environment({}, "", "http://127.0.0.1:8/x")


@pytest.mark.parametrize("name", ["MOOG_WEBHOOK_URL", "MOOG_HEALTH_URL", "MOOG_WEBHOOK_URL_FILE"])
def test_a_configured_moogsoft_is_the_one_that_is_asked(name: str) -> None:
    choices = choose({name: "x"})
    assert not choices.stands_in_for_moogsoft
    assert choices.environment({name: "x"}, "", "http://127.0.0.1:8/x")[name] == "x"


def test_an_empty_variable_counts_as_not_set() -> None:
    assert choose({"REDIS_URL": " ", "MOOG_WEBHOOK_URL": ""}) == choose({})


def test_a_pace_that_the_user_set_stays() -> None:
    choices = choose({"REMEDIATION_INTERVAL": "60"})
    assert "REMEDIATION_INTERVAL" not in choices.pace
    assert (
        choices.environment({"REMEDIATION_INTERVAL": "60"}, "", "")["REMEDIATION_INTERVAL"] == "60"
    )


def test_the_chosen_batch_does_not_contradict_a_largest_batch_of_the_users() -> None:
    env = {"REMEDIATION_MAX_BATCH_SIZE": "5", "REMEDIATION_BATCH_SIZE": "5"}
    load(choose(env).environment(env, "", ""))
    assert "REMEDIATION_BATCH_SIZE" not in choose({"REMEDIATION_MAX_BATCH_SIZE": "20"}).pace


def test_a_proxy_is_not_asked_for_the_stand_in() -> None:
    env = {"NO_PROXY": "example.net"}
    found = choose(env).environment(env, "", "http://127.0.0.1:8/x")
    assert found["NO_PROXY"] == "example.net,127.0.0.1"
    assert found["no_proxy"] == "127.0.0.1"
