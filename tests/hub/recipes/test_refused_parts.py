"""A route or job of an integration that is refused is named at each door, with the reason."""

import pytest

from hub.recipes.integration_actions import pause_integration
from hub.recipes.models import Integration
from hub.scheduled.jobs.job_actions import build_job, change_job, create_job
from tests.factories import NOON
from tests.hub.recipes.doors import open_doors, text_of
from tests.hub.recipes.integrations import SYSTEM, create_integration, route_of, store_channels

pytestmark = [pytest.mark.django_db, pytest.mark.corrections(item="1.16")]
DOORS = ("rest", "portal", "staff")
CONFLICT = "the job “Errors” reads other lines into it"


@pytest.fixture
def doors(make, api, acme):
    return open_doors(make, api, acme)


@pytest.fixture
def paused(make, acme):
    """An integration whose job was changed, and which another job excludes since it is paused."""
    make.connection(acme, "splunk")
    integration = create_integration(acme, "logs_to_splunk", {})
    job = integration.parts.get().job
    job.options = {"source": "collection"}
    change_job(job, SYSTEM, now=NOON)
    pause_integration(integration, SYSTEM, now=NOON)
    errors = build_job(
        tenant=acme,
        name="Errors",
        kind="ship",
        connector_key="splunk",
        cron="* * * * *",
        options={"source": "collection", "query": {"level": "error"}},
    )
    create_job(errors, SYSTEM, now=NOON)
    return integration


@pytest.mark.parametrize("door", DOORS)
def test_a_job_that_another_one_excludes_by_now_is_named_when_resuming(doors, paused, door):
    response = doors.post(door, paused, "resume")
    page = response.json()["detail"] if door == "rest" else text_of(response)
    assert response.status_code == (409 if door == "rest" else 200)
    assert "“Operational log to Splunk” is refused: A tenant has one log" in page
    assert CONFLICT in page and "options." not in page
    assert Integration.unscoped.get().state == "paused"


@pytest.mark.parametrize("door", DOORS)
def test_a_route_whose_filter_compiles_no_more_is_named_when_resuming(make, acme, doors, door):
    integration = create_integration(acme)
    pause_integration(integration, SYSTEM, now=NOON)
    route = route_of(integration)
    type(route).unscoped.update(filter="data.number ||")
    response = doors.post(door, integration, "resume")
    page = response.json()["detail"] if door == "rest" else text_of(response)
    assert "“New order: a message in Slack” is refused: The filter" in page
    assert Integration.unscoped.get().state == "paused"


@pytest.mark.parametrize("door", DOORS)
def test_a_route_whose_filter_compiles_no_more_can_be_paused(acme, doors, door):
    integration = create_integration(acme)
    type(route_of(integration)).unscoped.update(filter="data.number ||")
    assert doors.post(door, integration, "pause").status_code == 200
    assert Integration.unscoped.get().state == "paused"


def test_a_platform_mapping_is_not_changed_by_the_answers_of_a_tenant(make, acme, doors):
    store_channels(acme.connections.get(connector_key="slack"), "C024BE91L", "C0OTHER99")
    integration = create_integration(acme)
    route = route_of(integration)
    shared = make.mapping(None, "slack", "post_message", body=route.mapping.current.body)
    type(route).unscoped.update(mapping=shared)
    url = f"/t/acme/integrations/{integration.public_id}/answers/"
    page = doors.portal_client.post(url, {"channel": "C0OTHER99", "save": "1"})
    assert "“New order: a message in Slack” is refused: This is a platform" in text_of(page)
