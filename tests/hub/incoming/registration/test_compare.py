"""Which registration of a system is a wanted one."""

from dataclasses import replace

from connectors.registry import CONNECTORS
from connectors.webhook_sources import FoundSubscription, WantedSubscription
from hub.incoming.registration.compare import compare_subscriptions

SUBSCRIPTIONS = CONNECTORS["pipedrive"].subscriptions
URL = "https://hub.test/hooks/pipedrive/key/"
TYPES = ("person.created", "person.updated", "person.deleted")
TARGET = WantedSubscription("person", TYPES, URL, secret="hub:new")
FOUND = FoundSubscription("1", URL, "person", TYPES, secret="hub:new")


def compare(registrations, *, id="1", foreign_urls=()):
    return compare_subscriptions(
        SUBSCRIPTIONS,
        [TARGET],
        registrations,
        external_ids={"person": id},
        is_own=lambda url: url == URL,
        foreign_urls=foreign_urls,
        now=100.0,
    )


def test_what_a_repair_created_is_verified_although_the_old_one_could_not_be_removed():
    old, new = replace(FOUND, secret="hub:old"), replace(FOUND, external_id="2")
    comparison = compare([old, new])
    assert comparison.verified == {"person": new}
    assert (comparison.drifted, comparison.orphans) == ({}, [old])


def test_one_that_has_expired_is_created_anew_and_removed_if_it_is_still_listed():
    expired = replace(FOUND, expires_at=100.0)
    comparison = compare([expired])
    assert (comparison.missing, comparison.orphans) == ([TARGET], [expired])
    assert compare([replace(FOUND, expires_at=101.0)]).verified


def test_one_without_an_id_at_another_url_is_not_taken_for_one_that_is_not_registered_yet():
    stranger = replace(FOUND, external_id="", url="https://hub.test/elsewhere/")
    assert compare([stranger], id="").missing == [TARGET]


def test_those_of_other_endpoints_and_of_strangers_are_left_alone():
    other = replace(FOUND, external_id="2", key="deal")
    stranger = replace(other, url="https://hub.test/elsewhere/")
    assert compare([other, stranger]).orphans == [other]
    assert compare([other], foreign_urls=[URL]).orphans == []
