"""Staff see the integrations of their tenants, and switch on, pause, upgrade and remove them."""

import html
import re

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hub.connections.models import Connection
from hub.recipes.models import Integration
from tests.hub.recipes.integrations import create_integration, store_channels
from tests.tenant_isolation.staff_blocks import list_staff_templates

LIST = "admin:recipes_integration_changelist"


@pytest.fixture
def acme(make):
    tenant = make.tenant("acme", name="Acme Teas")
    make.connection(tenant, "slack")
    return tenant


@pytest.fixture
def staff(make, client):
    client.force_login(make.staff(is_superuser=True))
    return client


def text_of(response):
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split()))


def run_row_action(staff, integration, verb, **data):
    url = reverse("admin:recipes_integration_verb", args=[integration.pk, verb])
    return staff.post(url, data, follow=True)


def test_the_list_shows_what_each_tenant_has(acme, staff):
    create_integration(acme)
    text = text_of(staff.get(reverse(LIST)))
    assert "When an order is placed, post it to Slack" in text and "Acme Teas" in text


def test_the_page_shows_what_it_made_and_did(make, acme, staff):
    integration = create_integration(acme)
    text = text_of(staff.get(reverse("admin:recipes_integration_change", args=[integration.pk])))
    assert "New order: a message in Slack" in text and "C024BE91L" in text


def test_staff_switch_one_on(acme, staff):
    url = reverse("admin:recipes_integration_new")
    data = {"tenant": "acme", "recipe": "order_to_slack", "answers": '{"channel": "#orders"}'}
    assert "channel: Enter the channel's ID" in text_of(staff.post(url, data))
    page = staff.post(url, data | {"answers": '{"channel": "C024BE91L"}'}, follow=True)
    assert "The integration is on." in text_of(page)
    assert Integration.unscoped.get().tenant == acme
    assert "There is no such tenant." in text_of(staff.post(url, data | {"tenant": "nobody"}))


@pytest.mark.corrections(item="1.21")
def test_staff_are_refused_a_channel_that_the_workspace_does_not_have(acme, staff):
    store_channels(Connection.unscoped.get(tenant=acme, connector_key="slack"), "C0TEA1234")
    data = {"tenant": "acme", "recipe": "order_to_slack", "answers": '{"channel": "C0NOWHERE"}'}
    page = text_of(staff.post(reverse("admin:recipes_integration_new"), data))
    assert "has no C0NOWHERE among its" in page and not Integration.unscoped.exists()


def test_it_is_paused_resumed_and_removed(acme, staff):
    integration = create_integration(acme)
    assert "It is paused." in text_of(run_row_action(staff, integration, "pause", reason="why"))
    assert "is on again" in text_of(run_row_action(staff, integration, "resume"))
    assert "has been removed" in text_of(run_row_action(staff, integration, "remove", reason="why"))
    assert not Integration.unscoped.exists()


def test_a_newer_version_is_shown_and_applied(acme, staff):
    integration = create_integration(acme)
    Integration.unscoped.update(recipe_version=0)
    page = staff.get(reverse("admin:recipes_integration_change", args=[integration.pk]))
    assert "What version 1 changes" in text_of(page)
    assert "newer version applies" in text_of(
        run_row_action(staff, integration, "upgrade", sent="yes")
    )
    assert Integration.unscoped.get().recipe_version == 1


def test_staff_read_the_answers_as_customers_do_with_what_is_stored(acme, staff):
    create_integration(acme, names={"channel": "#orders"})
    integration = Integration.unscoped.get()
    page = staff.get(reverse("admin:recipes_integration_change", args=[integration.pk]))
    assert "Nothing happened this week." in text_of(page) and "#orders" in text_of(page)
    assert '"channel": "C024BE91L"' in text_of(page) and "order_to_slack" in text_of(page)
    account = Connection.unscoped.get(tenant=acme, connector_key="slack")
    links = (f"/admin/connections/connection/{account.pk}/change/", f"/tenant/{acme.pk}/change/")
    assert all(link in page.content.decode() for link in links)


def test_the_page_of_staff_counts_the_week_once(acme, staff):
    integration = create_integration(acme)
    url = reverse("admin:recipes_integration_change", args=[integration.pk])
    with CaptureQueriesContext(database) as queries:
        assert staff.get(url).status_code == 200
    counts = [query for query in queries.captured_queries if '"outgoing_delivery"' in query["sql"]]
    assert len(counts) == 1


def test_what_only_staff_see_of_an_integration_is_on_no_page_of_a_customer(make, acme, client):
    integration = create_integration(acme)
    client.force_login(make.membership(acme, make.user("ann@acme.test"), "owner").user)
    page = client.get(f"/t/acme/integrations/{integration.public_id}/")
    assert page.status_code == 200 and list_staff_templates(page) == []
    assert "order_to_slack" not in page.content.decode() and "/admin/" not in page.content.decode()
