"""Rotate a signing secret, end the overlap, disable, renew and send a test event by REST."""

import pytest

from hub.audit import AuditRow
from hub.connections.credentials.signing_secrets import OVERLAP, read_signing_status
from hub.connections.models import Connection, Credential
from hub.db.clock import clock
from hub.outgoing.models import Delivery
from tests.hub.connections.api.rest import connection_url, summarize_problem

pytestmark = pytest.mark.django_db

ACTIONS = ("rotate-signing-secret", "end-signing-overlap", "disable", "renew", "test-event")


@pytest.fixture
def endpoint(make, acme):
    return make.connection(acme, "webhook")


def post(client, connection, action, body=None):
    return client.post(connection_url(connection, action), body, format="json")


def read_status(endpoint):
    return read_signing_status(Connection.unscoped.get(pk=endpoint.pk), now=clock())


def test_the_new_secret_is_shown_once_and_the_old_one_signs_for_a_day(shop, endpoint):
    before = read_status(endpoint).secret
    answer = post(shop, endpoint, "rotate-signing-secret").json()
    after = read_status(endpoint)
    assert answer["signing_secret"] == after.secret != before
    assert len(after.old_secrets_until) == 1 and after.overlaps_until <= clock() + OVERLAP
    assert answer["overlap_until"][:16] == after.overlaps_until.isoformat()[:16]
    assert after.secret not in shop.get(connection_url(endpoint)).content.decode()
    assert after.secret not in str(AuditRow.objects.values_list())


def test_the_overlap_ends(shop, endpoint):
    new_secret = post(shop, endpoint, "rotate-signing-secret").json()["signing_secret"]
    assert post(shop, endpoint, "end-signing-overlap").status_code == 200
    assert (
        read_status(endpoint).secret == new_secret and read_status(endpoint).old_secrets_until == ()
    )


def test_a_fourth_rotation_in_a_day_is_refused_until_the_overlap_ends(shop, endpoint):
    for _ in range(3):
        assert post(shop, endpoint, "rotate-signing-secret").status_code == 200
    answer = post(shop, endpoint, "rotate-signing-secret")
    assert (
        summarize_problem(answer)[:2] == (409, "wrong-state")
        and "too often" in answer.json()["detail"]
    )
    post(shop, endpoint, "end-signing-overlap")
    assert post(shop, endpoint, "rotate-signing-secret").status_code == 200


def test_secrets_that_cannot_be_decrypted_are_not_rotated(shop, endpoint, make):
    other = make.connection(endpoint.tenant, "webhook")
    sealed = Credential.unscoped.get(connection=other).sealed
    Credential.unscoped.filter(connection=endpoint).update(sealed=sealed)
    for action in ("rotate-signing-secret", "end-signing-overlap"):
        answer = post(shop, endpoint, action)
        assert (
            summarize_problem(answer)[:2] == (409, "wrong-state")
            and "Enter a new signing secret where you change the address" in answer.json()["detail"]
        )


@pytest.mark.parametrize("action", ["rotate-signing-secret", "end-signing-overlap", "test-event"])
def test_only_a_webhook_endpoint_has_a_signing_secret_and_test_events(shop, make, acme, action):
    assert summarize_problem(post(shop, make.connection(acme, "slack"), action))[:2] == (
        409,
        "wrong-state",
    )


@pytest.mark.parametrize("action", ["rotate-signing-secret", "end-signing-overlap"])
def test_a_disconnected_endpoint_has_no_signing_secret(shop, endpoint, action):
    post(shop, endpoint, "disconnect")
    assert summarize_problem(post(shop, endpoint, action))[:2] == (409, "wrong-state")


def test_what_is_disabled_cannot_be_disabled_again(shop, endpoint):
    assert post(shop, endpoint, "disable", {"reason": "x"}).json()["state"] == "disabled"
    assert summarize_problem(post(shop, endpoint, "disable", {"reason": "x"}))[:2] == (
        409,
        "wrong-state",
    )
    assert post(shop, endpoint, "resume").json()["state"] == "healthy"


def test_a_reason_is_required_to_disable(shop, endpoint):
    assert summarize_problem(post(shop, endpoint, "disable", {})) == (
        400,
        "validation-failed",
        ["/reason"],
    )


def test_a_credential_without_an_end_is_not_renewed(shop, endpoint):
    assert summarize_problem(post(shop, endpoint, "renew"))[:2] == (409, "wrong-state")


def test_a_test_event_is_a_delivery_that_can_be_read(shop, endpoint):
    answer = post(shop, endpoint, "test-event")
    assert (answer.status_code, Delivery.unscoped.get().event.type) == (201, "hub.test")
    assert shop.get(answer["Location"].removeprefix("https://hub.test")).status_code == 200


@pytest.mark.parametrize("action", ACTIONS)
def test_another_tenants_connection_is_not_found_and_stays_unchanged(api, make, endpoint, action):
    before = (Credential.unscoped.get().version, Credential.unscoped.get().refresh_due_at)
    answer = post(api.of(make.tenant("globex")), endpoint, action, {"reason": "x"})
    assert summarize_problem(answer)[:2] == (404, "not-found")
    credential = Credential.unscoped.get()
    assert (credential.version, credential.refresh_due_at) == before
    assert Connection.unscoped.get().state == "healthy" and not Delivery.unscoped.exists()
    assert not AuditRow.objects.exists()


@pytest.mark.parametrize("action", ACTIONS)
def test_a_tenants_key_does_not_change_the_platforms_own_connection(shop, make, action):
    platforms = make.connection(None, "app")
    assert summarize_problem(post(shop, platforms, action, {"reason": "x"}))[:2] == (
        404,
        "not-found",
    )
