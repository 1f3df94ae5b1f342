"""Which registration of a system is a wanted one."""

from connectors.registry import CONNECTORS
from connectors.webhook_sources import FoundSubscription, WantedSubscription
from hub.incoming.registration.compare import compare_subscriptions

SUBSCRIPTIONS = CONNECTORS["pipedrive"].subscriptions
URL = "https://hub.test/hooks/pipedrive/key/"


def test_what_a_repair_created_is_verified_although_the_old_one_could_not_be_removed():
    types = ("person.created", "person.updated", "person.deleted")
    target = WantedSubscription("person", types, URL, secret="hub:new")
    old, new = (
        FoundSubscription(id, URL, "person", types, secret=secret)
        for id, secret in (("1", "hub:old"), ("2", "hub:new"))
    )
    comparison = compare_subscriptions(
        SUBSCRIPTIONS,
        [target],
        [old, new],
        external_ids={"person": "1"},
        is_own=lambda url: url == URL,
        foreign_urls=(),
        now=0.0,
    )
    assert comparison.verified == {"person": new}
    assert (comparison.drifted, comparison.orphans) == ({}, [old])
