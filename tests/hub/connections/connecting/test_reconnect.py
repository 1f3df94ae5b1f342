"""A connection that changes while its new credential is tested: nothing is overwritten."""

import pytest

from connectors.http import Response
from hub.audit import Actor, ActorContext
from hub.connections.actions import connection_actions
from hub.connections.actions.disconnection import disconnect_account
from hub.connections.connecting.by_form import fulfil_link_with_form, update_with_form
from hub.connections.connecting.form_results import ConnectionRefused, FormInput
from hub.connections.connecting.oauth.confirm import confirm_authorization
from hub.connections.connecting.oauth.session import AuthorizationRefused
from hub.connections.credentials.signing_secrets import rewrite_credential
from hub.connections.models import Connection, ConnectLink, Credential
from hub.crypto.sealed import seal
from tenants.access.tenant_users import TenantUser
from tests.factories import NOON
from tests.fakes import FakeHttp
from tests.hub.connections.api.rest import NO_DATA, TOKEN, connection_url, summarize_problem

pytestmark = pytest.mark.django_db

HAND = ActorContext(Actor("user", "1", "olga@example.com"), request_id="r-1")
ROTATED = "22222222-2222-4222-8222-222222222222"
SLACK = b'{"ok":true,"team_id":"T1","team":"Acme","user_id":"U1","url":"https://acme.slack.com/"}'


class FixedRandom:
    def random(self):
        return 0.5

    def randbytes(self, count):
        return b"r" * count


@pytest.fixture
def splunk(make, acme):
    return make.connection(acme, "splunk", account="")


def change_during_test(change, answer=NO_DATA):
    """Return a system that answers its test after `change` was made in another request."""

    def respond(request):
        change(Connection.unscoped.get())
        return answer

    return FakeHttp(respond)


def rotate(connection):
    rewrite_credential(connection, lambda document: document | {"token": ROTATED}, now=NOON)


def disconnect(connection):
    disconnect_account(connection, HAND, now=NOON)


def patch(shop, systems, connection, change):
    systems(change_during_test(change).call)
    return shop.patch(connection_url(connection), {"secrets": {"token": TOKEN}}, format="json")


def stored_token():
    return Credential.unscoped.get().open(Connection.unscoped.get()).get("token")


# --- REST ---


def test_a_credential_that_was_changed_during_the_test_is_a_conflict(
    shop, set_system_answers, splunk
):
    answer = patch(shop, set_system_answers, splunk, rotate)
    assert summarize_problem(answer) == (409, "wrong-state", [])
    assert "changed while this was tested" in answer.json()["detail"]
    assert (stored_token(), Credential.unscoped.get().version) == (ROTATED, 2)


def test_a_disconnect_during_the_test_is_not_overruled(shop, set_system_answers, splunk):
    assert summarize_problem(patch(shop, set_system_answers, splunk, disconnect)) == (
        409,
        "wrong-state",
        [],
    )
    assert Connection.unscoped.get().is_disconnected and stored_token() is None


def test_the_state_is_decided_on_the_row_as_it_is_after_the_test(shop, set_system_answers, splunk):
    splunk.mark_degraded("calls_failing", "500", now=NOON)
    answer = patch(
        shop,
        set_system_answers,
        splunk,
        lambda row: row.mark_needs_reconnect("status_403", "", now=NOON),
    )
    assert (answer.status_code, Connection.unscoped.get().state) == (200, "healthy")


def test_a_pause_during_the_test_stays(shop, set_system_answers, splunk):
    splunk.mark_degraded("calls_failing", "500", now=NOON)
    answer = patch(
        shop, set_system_answers, splunk, lambda row: row.pause("stocktaking", until=None, now=NOON)
    )
    assert (answer.status_code, Connection.unscoped.get().state) == (200, "paused")
    assert stored_token() == TOKEN


def test_a_setting_that_was_changed_during_the_test_is_kept(shop, set_system_answers, splunk):
    answer = patch(
        shop,
        set_system_answers,
        splunk,
        lambda row: connection_actions.change_connection_settings(
            row, {"use_ack": True}, HAND, now=NOON
        ),
    )
    assert (answer.status_code, Connection.unscoped.get().settings["use_ack"]) == (200, True)


def test_a_stale_change_of_one_setting_keeps_the_others(splunk):
    connection_actions.change_connection_settings(
        Connection.unscoped.get(), {"use_ack": True}, HAND, now=NOON
    )
    connection_actions.change_connection_settings(splunk, {"rate": 5}, HAND, now=NOON)
    settings = Connection.unscoped.get().settings
    assert (settings["use_ack"], settings["rate"]) == (True, 5)


# --- forms ---


@pytest.mark.parametrize("change", [rotate, disconnect])
def test_a_form_and_the_form_of_a_guest_are_refused_too(make, acme, splunk, change):
    link = make.connect_link(acme, "splunk", connection=splunk)
    form_input = FormInput(splunk.settings, {"token": TOKEN})
    use = {"random": FixedRandom(), "now": NOON}
    result = update_with_form(splunk, form_input, HAND, call=change_during_test(change).call, **use)
    assert isinstance(result, ConnectionRefused) and result.reason == "changed_meanwhile"
    Connection.unscoped.update(state="healthy", reason="")
    link = ConnectLink.unscoped.get()
    result = fulfil_link_with_form(
        link, form_input, HAND, call=change_during_test(change).call, **use
    )
    assert isinstance(result, ConnectionRefused) and result.reason == "changed_meanwhile"
    assert stored_token() != TOKEN and ConnectLink.unscoped.get().used_at is None


# --- OAuth ---


@pytest.fixture
def granted(make, acme):
    """An authorization of Slack that awaits its confirmation, for a connection that exists."""
    make.app("slack", {"client_id": "id", "client_secret": "a client secret"})
    connection = make.connection(acme, "slack", account="T1")
    row = make.authorization(
        acme, now=NOON, connection=connection, account="T1", state="granted", guest="g"
    )
    grant = {"secret": {"access_token": "xoxb-new"}, "settings": {}, "expires_in": None}
    row.sealed = seal(grant | {"at": NOON.isoformat()}, row.binding)
    row.save()
    return row


def confirm(authorization, http):
    owner = TenantUser(authorization.tenant, "owner")
    return confirm_authorization(
        authorization,
        owner,
        ActorContext(owner.actor),
        call=http.call,
        random=lambda: 0.5,
        now=NOON,
    )


def test_a_confirmation_does_not_overrule_a_disconnect_during_its_test(granted):
    http = change_during_test(disconnect, Response(200, SLACK))
    with pytest.raises(AuthorizationRefused, match="changed_meanwhile"):
        confirm(granted, http)
    assert Connection.unscoped.get().is_disconnected
    granted.refresh_from_db()
    assert granted.state == "granted"  # the person can decide again


def test_a_confirmation_replaces_a_token_that_was_refreshed_during_its_test(granted):
    http = change_during_test(rotate, Response(200, SLACK))
    connection = confirm(granted, http)
    assert connection.credential.open(connection)["access_token"] == "xoxb-test-token"
    stored = Credential.unscoped.get()
    assert (stored.open(connection)["access_token"], stored.version) == ("xoxb-new", 3)


def test_a_grant_that_does_not_open_is_refused_with_what_to_do(granted):
    granted.sealed = seal({}, "another row")
    granted.save()
    with pytest.raises(AuthorizationRefused, match="unreadable_here"):
        confirm(granted, FakeHttp())
    granted.refresh_from_db()
    assert (granted.state, granted.reason) == ("failed", "unreadable_here")
