"""Our registration at another system: the page says what to enter there, and tests what came of
it.
"""

import json

import pytest
from django.contrib import admin
from django.urls import reverse

from connectors.http import Response
from hub import egress
from hub.audit import AuditRow
from hub.connections.credentials.provider_call import PROVIDER_CALL_BUDGET, PROVIDER_CALLS_MAX
from hub.connections.models import ConnectorApp
from hub.crypto.sealed import seal
from hub.egress import RequestNotSent
from tests.fakes import FakeHttp
from tests.hub.connections.browsers import register

pytestmark = pytest.mark.django_db

CLIENT = {"client_id": "id", "client_secret": "a client secret"}


@pytest.fixture
def world():
    page = admin.site.get_model_admin(ConnectorApp)

    def answers(script):
        http = FakeHttp(script)
        page.call = http.call
        return http

    yield answers
    page.call = egress.send_request


def page_of(client, app):
    return client.get(reverse("admin:connections_connectorapp_change", args=[app.pk]))


def run_app_test(client, app):
    answer = client.post(
        reverse("admin:connections_connectorapp_verb", args=[app.pk, "test"]), follow=True
    )
    return answer.content.decode()


def test_slacks_page_has_a_manifest_to_paste(superuser, make):
    page = page_of(superuser, make.app("slack"))
    manifest = json.loads(page.context["registration"]["manifest"])
    assert manifest["oauth_config"]["redirect_urls"] == ["https://hub.test/connect/slack/callback"]
    assert "Manifest to paste" in page.content.decode()


def test_salesforces_page_goes_step_by_step(superuser, make):
    page = page_of(superuser, make.app("salesforce")).content.decode()
    assert "External Client App" in page and "https://hub.test/connect/salesforce/callback" in page
    assert "api refresh_token" in page and "%(" not in page


def test_a_new_registration_has_the_same_page(superuser):
    page = superuser.get(reverse("admin:connections_connectorapp_add"), {"connector": "slack"})
    assert page.context["registration"]["redirect_uri"].endswith("/connect/slack/callback")


def test_a_system_without_oauth_has_nothing_to_enter(superuser, make):
    page = page_of(superuser, make.app("app"))
    assert page.context["registration"] is None and page.context["buttons"] == []


ANSWERS = {
    "the client is known": (
        b'{"ok":false,"error":"invalid_code"}',
        "accepts our client ID and client secret",
    ),
    "a wrong secret": (b'{"ok":false,"error":"bad_client_secret"}', "rejects this client ID"),
    "a wrong id": (b'{"ok":false,"error":"invalid_client_id"}', "rejects this client ID"),
    "a wrong address": (b'{"ok":false,"error":"bad_redirect_uri"}', "not our redirect URL"),
    "a page": (b"<html>", "does not show whether"),
}


@pytest.mark.parametrize(("body", "sentence"), ANSWERS.values(), ids=ANSWERS)
def test_the_answer_tells_whether_the_client_is_known(superuser, make, world, body, sentence):
    app = make.app("slack", CLIENT)
    http = world(Response(200, body))
    assert sentence in run_app_test(superuser, app)
    assert http.requests[0].form["code"] and AuditRow.objects.get().verb == "connectorapp.test"


def test_a_system_that_is_not_reached_tells_nothing(superuser, make, world):
    world(RequestNotSent("dns_failed"))
    assert "does not show whether" in run_app_test(superuser, make.app("slack", CLIENT))


def test_a_check_without_room_makes_no_call_and_says_so(superuser, make, world):
    http = world([])
    with PROVIDER_CALL_BUDGET.acquire_for_block(PROVIDER_CALLS_MAX):
        assert "Too many systems are being tested" in run_app_test(
            superuser, make.app("slack", CLIENT)
        )
    assert http.requests == []


def seal_for_another_row(app):
    ConnectorApp.objects.filter(pk=app.pk).update(sealed=seal(CLIENT, "another row"))


def test_a_registration_that_does_not_open_says_what_to_do(superuser, make, world):
    app, http = make.app("slack", CLIENT), world([])
    seal_for_another_row(app)
    assert "cannot be opened: their key is missing" in run_app_test(superuser, app)
    assert http.requests == []


def test_a_registration_that_does_not_open_can_be_filled_in_again(superuser, make):
    app = make.app("slack", CLIENT)
    seal_for_another_row(app)
    page = page_of(superuser, app)
    assert page.status_code == 200
    assert "cannot be opened: their key is missing" in page.content.decode()
    assert page.context["form"].fields["client_secret"].required


def test_an_empty_registration_is_not_tested(superuser, make, world):
    http = world([])
    assert "Enter the client ID" in run_app_test(superuser, make.app("slack"))
    assert http.requests == []


@pytest.mark.parametrize("connector", ["slack", "salesforce"])
def test_the_sandbox_knows_the_client(superuser, outside, connector):
    app = ConnectorApp.objects.get(connector_key=connector)
    assert "accepts our client ID and client secret" in run_app_test(superuser, app)


@pytest.mark.parametrize("connector", ["slack", "salesforce"])
def test_the_sandbox_refuses_another_secret(superuser, outside, make, connector):
    ConnectorApp.objects.filter(connector_key=connector).delete()
    app = register(make, outside, connector, client_secret="another secret")
    assert "rejects this client ID" in run_app_test(superuser, app)


def test_the_catalogue_knows_what_is_ready(make, django_assert_num_queries):
    make.app("slack", CLIENT)
    make.app("salesforce")
    with django_assert_num_queries(1):
        assert ConnectorApp.list_configured_connector_keys() == {
            "signed_webhook",
            "slack",
            "splunk",
            "webhook",
        }


def test_a_registration_is_set_up_when_client_id_and_secret_are_there(make):
    assert make.app("slack", CLIENT).is_set_up
    assert not make.app("salesforce", {"client_id": "id"}).is_set_up
    assert make.app("app").is_set_up
