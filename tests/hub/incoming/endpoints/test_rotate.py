"""Secrets and URLs of endpoints rotate with 24 hours in which old and new are accepted."""

from datetime import timedelta

import pytest

from hub.audit import ActorContext, AuditRow
from hub.db.clock import clock
from hub.incoming.endpoints.create import endpoint_url
from hub.incoming.endpoints.rotate import (
    MAX_OVERLAP,
    RotationRefused,
    end_overlap_after_registration,
    rotate_endpoint_key,
    rotate_endpoint_secret,
)
from hub.incoming.models import InboundEndpoint, WebhookSubscription
from hub.incoming.models.endpoints import hash_endpoint_key
from tests.hub.incoming.sources import load_receiver
from tests.hub.incoming.webhook_posts import endpoint_of

pytestmark = pytest.mark.django_db
SYSTEM = ActorContext.system()
DAY = timedelta(days=1)


@pytest.fixture
def endpoint(make):
    return endpoint_of(make.connection(connector="pipedrive", account="701", secret={}))


def load_secrets(endpoint, *, now):
    receiver = load_receiver(endpoint.connector_key, endpoint.key_digest, now=now)
    return [secret.value for secret in receiver.secrets]


def test_old_and_new_secret_are_accepted_for_24_hours(endpoint):
    now = clock()
    (old,) = load_secrets(endpoint, now=now)
    assert rotate_endpoint_secret(endpoint, SYSTEM, now=now) == now + DAY
    new, still_valid = load_secrets(endpoint, now=now)
    assert (still_valid, new != old) == (old, True)
    assert load_secrets(endpoint, now=now + DAY) == [new]
    row = AuditRow.objects.get(verb="inbound_endpoint.rotate_secret")
    assert row.tenant == endpoint.tenant.public_id


def test_a_rotation_makes_the_registrations_due(endpoint):
    now = clock()
    rotate_endpoint_secret(endpoint, SYSTEM, now=now)
    assert InboundEndpoint.unscoped.get().next_check_at == now


def test_an_old_secret_is_never_extended_and_their_number_is_bounded(endpoint):
    now = clock()
    (oldest,) = load_secrets(endpoint, now=now)
    for minutes in range(4):
        rotate_endpoint_secret(endpoint, SYSTEM, now=now + timedelta(minutes=minutes))
    with pytest.raises(RotationRefused):
        rotate_endpoint_secret(endpoint, SYSTEM, now=now + timedelta(minutes=5))
    assert oldest not in load_secrets(endpoint, now=now + DAY)


def test_a_secret_of_the_provider_is_not_rotated_here(make):
    connection = make.connection(connector="salesforce", account="00D000000000001AAA")
    with pytest.raises(RotationRefused):
        rotate_endpoint_secret(endpoint_of(connection), SYSTEM, now=clock())


def test_the_old_url_is_accepted_for_24_hours(endpoint):
    now, old_digest = clock(), endpoint.key_digest
    url = rotate_endpoint_key(endpoint, SYSTEM, now=now)

    assert url == endpoint_url(endpoint)
    assert hash_endpoint_key(url.rstrip("/").rpartition("/")[2]) == endpoint.key_digest
    assert load_receiver("pipedrive", endpoint.key_digest, now=now + DAY)
    assert load_receiver("pipedrive", old_digest, now=now + DAY - timedelta(seconds=1))
    assert load_receiver("pipedrive", old_digest, now=now + DAY) is None
    with pytest.raises(RotationRefused):
        rotate_endpoint_key(endpoint, SYSTEM, now=now)


def test_a_url_that_is_the_secret_verifies_by_both_keys_until_the_overlap_ends(make):
    endpoint = endpoint_of(make.connection(connector="salesforce", account="00D000000000001AAA"))
    now = clock()
    rotate_endpoint_key(endpoint, SYSTEM, now=now)
    assert len(load_secrets(endpoint, now=now)) == 2
    assert len(load_secrets(endpoint, now=now + DAY)) == 1


@pytest.fixture
def registered(endpoint):
    WebhookSubscription.unscoped.create(endpoint=endpoint, tenant=endpoint.tenant, key="person")
    return endpoint


def test_the_old_secret_is_accepted_until_the_system_has_the_new_one(registered):
    now = clock()
    (old,) = load_secrets(registered, now=now)
    assert rotate_endpoint_secret(registered, SYSTEM, now=now) == now + MAX_OVERLAP
    assert old in load_secrets(registered, now=now + 13 * DAY)

    end_overlap_after_registration(registered, registered.open(), now=now + 2 * DAY)
    assert old in load_secrets(registered, now=now + 3 * DAY - timedelta(seconds=1))
    assert old not in load_secrets(registered, now=now + 3 * DAY)


def test_the_old_url_is_accepted_until_the_system_has_the_new_one(registered):
    now, old_digest = clock(), registered.key_digest
    rotate_endpoint_key(registered, SYSTEM, now=now)
    end_overlap_after_registration(registered, registered.open(), now=now + 2 * DAY)
    assert load_receiver("pipedrive", old_digest, now=now + 3 * DAY - timedelta(seconds=1))
    assert load_receiver("pipedrive", old_digest, now=now + 3 * DAY) is None


def test_a_rotation_during_the_check_leaves_its_own_overlap(registered):
    now = clock()
    rotate_endpoint_secret(registered, SYSTEM, now=now)
    registered_with = registered.open()
    replaced = load_secrets(registered, now=now)[0]
    rotate_endpoint_secret(registered, SYSTEM, now=now)
    end_overlap_after_registration(registered, registered_with, now=now)
    assert replaced in load_secrets(registered, now=now + 13 * DAY)
