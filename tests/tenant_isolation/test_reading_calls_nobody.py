"""Whoever only looks at a page has the hub call no external system."""

import socket

import pytest
from django.test import Client

from hub.connections.models import ConnectorApp, KillSwitch
from hub.schemas.models import ChoiceList
from tests.canary.secret_canaries import CanaryRows
from tests.hub.recipes.integrations import age_integration, create_integration
from tests.tenant_isolation.url_walk import addresses, routes

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.timeout(600),
    pytest.mark.one_database,
    pytest.mark.corrections(item="3.8"),
]


@pytest.fixture
def rows(make):
    rows = CanaryRows(make)
    rows.live()
    age_integration(create_integration(rows.tenant), text="'OLD'")
    KillSwitch.unscoped.all().delete()  # what is switched off would call nobody anyhow
    for key in ("slack", "pipedrive"):
        make.connection(rows.tenant, key, secret={"access_token": "x"}, account=f"T-{key}")
    ChoiceList.unscoped.all().delete()
    return rows


@pytest.fixture
def systems(rows, settings):
    """A port to which all systems have moved, and which answers nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"127.0.0.1:{server.getsockname()[1]}"
        settings.HUB_EGRESS_ALLOW = [address]
        for app in ConnectorApp.objects.all():
            app.urls = dict.fromkeys(app.urls, f"http://{address}")
            app.save()
        yield server


@pytest.mark.parametrize(("door", "person"), [("t/", "owner"), ("admin/", "staff")])
def test_no_page_calls_an_external_system_when_it_is_looked_at(rows, systems, door, person):
    browser = rows.browser(Client(raise_request_exception=False), getattr(rows, person))
    looked_at = [url for route in routes(door) for url in addresses(route)]
    assert [url for url in looked_at if browser.get(url).status_code >= 500] == []
    assert len(looked_at) > 100
    with pytest.raises(BlockingIOError):  # nobody has called
        systems.accept()
