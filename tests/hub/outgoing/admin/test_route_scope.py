"""Who may make and change a route, and whose events it takes."""

import pytest

from hub.outgoing.models import Route
from tests.hub.outgoing.admin.routes import build_route_form, errors_of, route_url, try_route_form

pytestmark = pytest.mark.django_db

LIST = "/admin/outgoing/route/"
ADD = "/admin/outgoing/route/add/"


def test_only_the_platform_makes_a_route_for_all(root, make, staff_of):
    mine = staff_of(make.tenant())
    assert "required" in str(errors_of(mine.post(ADD, build_route_form(None)))["tenant"])
    root.post(ADD, build_route_form(None))
    assert Route.unscoped.get().tenant is None


def test_staff_can_read_a_route_for_all_and_not_change_it(make, staff_of):
    route = make.route(connector="webhook")
    mine = staff_of(make.tenant())
    assert mine.get(route_url(route)).status_code == 200
    assert mine.post(route_url(route), build_route_form(None)).status_code == 403
    assert try_route_form(mine, route_url(route), None).status_code == 403


def test_staff_cannot_change_what_a_shared_mapping_says(make, staff_of):
    mapping = make.mapping(None, body={"a": "data.number"})
    tenant = make.tenant()
    answer = staff_of(tenant).post(
        ADD, build_route_form(tenant, mapping=mapping.pk, body='{"a": "data.total"}')
    )
    assert "applies to all tenants" in str(errors_of(answer)["body"])
    assert mapping.versions.count() == 1


def test_strangers_neither_see_nor_try_nor_change_a_route(make, staff_of):
    route = make.route(make.connection())
    event = make.event(route.tenant, id="their-secret-order")
    stranger = staff_of(own := make.tenant())
    assert stranger.get(route_url(route)).status_code == 404
    assert try_route_form(stranger, route_url(route), own).status_code == 404
    answer = stranger.post(ADD, build_route_form(own) | {"_try": "1", "sample-event": event.pk})
    assert "Select a valid choice" in str(answer.context["sample"].errors["event"])
    assert "their-secret-order" not in answer.content.decode()
    response = stranger.post(
        ADD, build_route_form(own, connection=route.connection_id, mapping=route.mapping_id)
    )
    assert {"connection", "mapping"} <= errors_of(response).keys()


def test_a_get_saves_nothing(root, make):
    root.get(ADD, build_route_form(make.tenant()) | {"_try": "1", "_save": "1"})
    assert not Route.unscoped.exists()


def test_a_route_takes_events_of_another_system(root, make):
    tenant = make.tenant("acme")
    make.connection(tenant)
    pipedrive = make.connection(tenant, "pipedrive", secret={}, name="Acme's Pipedrive")
    route_form = build_route_form(
        tenant,
        event_type="pipedrive.person.*",
        origin_connector_key="pipedrive",
        origin=str(pipedrive.pk),
    )
    assert root.post(ADD, route_form).status_code == 302
    route = Route.unscoped.get()
    assert (route.origin_connector_key, route.origin) == ("pipedrive", pipedrive)
    assert "Pipedrive" in root.get(LIST + "?received_from=pipedrive").content.decode()
    assert route_url(route) not in root.get(LIST + "?received_from=slack").content.decode()


def test_the_connection_that_receives_must_be_of_the_system_and_the_tenant(root, make):
    tenant = make.tenant("acme")
    pipedrive = make.connection(tenant, "pipedrive", secret={})
    strange = make.connection(make.tenant("globex"), "pipedrive", secret={})
    for origin, key, problem in (
        (pipedrive, "slack", "Select it as the system"),
        (pipedrive, "", "Select it as the system"),
        (strange, "pipedrive", "This connection is not"),
    ):
        route_form = build_route_form(tenant, origin_connector_key=key, origin=str(origin.pk))
        assert problem in root.post(ADD, route_form).content.decode()
    assert not Route.unscoped.exists()
