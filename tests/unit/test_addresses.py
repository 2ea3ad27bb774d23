"""Addresses of targets: how they are written, what they are called, and what of them is secret."""

import pytest

from mutt_tasks.core.addresses import Address, parse_addresses, secrets_of


def test_addresses_have_spaces_commas_or_lines_between_them_and_names_that_may_be_shown() -> None:
    found = parse_addresses(
        """
        # who is on call
        ops=mailto://mutt:pw@mail.example.com?to=a@example.com,b@example.com
        slack://TokenA1/TokenB2/TokenC3/#mutt, mailto://other.example.com json://here/ mailto://third
        """
    )

    assert [each.name for each in found] == ["ops", "slack-1", "mailto-1", "json-1", "mailto-2"]
    assert found[0].url.endswith("?to=a@example.com,b@example.com")
    assert found[1].url == "slack://TokenA1/TokenB2/TokenC3/#mutt"
    assert "TokenB2" not in repr(found)
    assert parse_addresses("") == ()


@pytest.mark.parametrize(
    "text", ["mail.example.com", "a=json://x a=json://y", "Ops!=json://x", "json-1=json://x xx"]
)
def test_what_is_no_list_of_addresses_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="addresses as apprise takes them"):
        parse_addresses(text)


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("mailto://mutt:Pa%2Fss@mail.example.com", {"Pa%2Fss", "Pa/ss"}),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7", {"T1JJ3T3L2", "A1BRTD4JD"}),
        ("pagerduty://0123456789abcdef@fedcba9876543210", {"0123456789abcdef", "fedcba9876543210"}),
        ("jsons://hooks.example.com/mutt/alerts/k3yInThePath?token=s3cretvalue", {"k3yInThePath"}),
    ],
)
def test_whatever_looks_like_a_token_is_a_secret(url: str, secrets: set[str]) -> None:
    assert secrets | {url} <= secrets_of(Address("x", url))


def test_hosts_and_plain_words_are_none() -> None:
    found = secrets_of(Address("x", "jsons://hooks8.example.com:8443/services/alerts"))

    assert found == {"jsons://hooks8.example.com:8443/services/alerts"}
