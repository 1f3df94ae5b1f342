"""Isolation of tenants on every page of the admin; a new model needs a line in ROWS."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.urls import reverse

from hub import audit
from hub.audit import ActorContext, AuditRow
from hub.connections.actions.kill_switches import switch_off
from hub.connections.connecting.connector_requests import request_connector
from hub.connections.models import ConnectorRequest, KillSwitch
from hub.identities.models import DirectoryEntry, DirectoryRead, LocalUser
from hub.mail.models import Mail
from hub.notices.models import Notice
from hub.notices.notify import create_notice
from hub.scheduled.models import Log, LogPosition
from hub.throttle.models import QuotaState
from tenants.models import ApiKey
from tests.factories import NOON
from tests.hub.outgoing.operating import planned

pytestmark = pytest.mark.django_db

PLATFORM_ONLY = {
    "tenants.User",
    "connections.ConnectorApp",
    "throttle.QuotaState",
    "hub.AuditRow",
    "hub.Mail",
}


def api_key(make, tenant):
    make.api_key(tenant)
    return ApiKey.objects.of(tenant).get()


def audit_row(make, tenant):
    ActorContext.system().audit("tenant.change", tenant, tenant=tenant, now=NOON)
    return AuditRow.objects.get()


def switch(make, tenant):
    return switch_off(
        KillSwitch(scope="tenant", tenant=tenant, reason="stocktaking"),
        ActorContext.system(),
        now=NOON,
    )


def notice(make, tenant):
    create_notice(
        "disabled",
        "disabled_by_endpoint",
        {"connection": "victim's endpoint"},
        occurrence="7",
        now=NOON,
        tenant_id=tenant.pk,
    )
    return Notice.unscoped.get()


def mail_row(make, tenant):
    make.invitation(tenant, "victim-7@example.com")
    return Mail.objects.get()


def create_connector_request(make, tenant):
    request_connector(tenant, "victim's system", ActorContext(audit.SYSTEM), now=NOON)
    return ConnectorRequest.unscoped.get()


def log_position(make, tenant):
    log = Log.unscoped.create(tenant=tenant, next_line=7)
    return LogPosition.unscoped.create(tenant=tenant, log=log)


def local_user(make, tenant):
    return LocalUser.unscoped.create(
        tenant=tenant, user_id="victim-7", name="Victim Vera", email="vera@victim.test"
    )


def directory_entry(make, tenant):
    connection = make.connection(tenant, "slack")
    return DirectoryEntry.unscoped.create(
        connection=connection, remote_id="UVICTIM", name="Victim Vera", email="vera@victim.test"
    )


def directory_read(make, tenant):
    connection = make.connection(tenant, "slack")
    return DirectoryRead.unscoped.create(tenant=tenant, connection=connection, started_at=NOON)


ROWS = {
    "connections.Connection": lambda make, tenant: make.connection(tenant),
    "connections.ConnectorApp": lambda make, tenant: make.app("slack"),
    "connections.KillSwitch": switch,
    "connections.MaintenanceWindow": lambda make, tenant: make.maintenance(make.connection(tenant)),
    "connections.ConnectorRequest": create_connector_request,
    "connections.ConnectLink": lambda make, tenant: make.connect_link(tenant),
    "drift.DriftFinding": lambda make, tenant: make.drift_finding(make.connection(tenant)),
    "hub.AuditRow": audit_row,
    "incoming.InboundGap": lambda make, tenant: make.gap(make.source(make.connection(tenant))),
    "incoming.InboundItem": lambda make, tenant: make.inbound_item(make.connection(tenant)),
    "incoming.InboundMessage": lambda make, tenant: make.inbound_message(make.connection(tenant)),
    "incoming.InboundSource": lambda make, tenant: make.source(make.connection(tenant)),
    "incoming.WebhookSubscription": lambda make, tenant: make.webhook_subscription(
        make.connection(tenant)
    ),
    "scheduled.Job": lambda make, tenant: make.job(tenant),
    "scheduled.JobSchedule": lambda make, tenant: make.job_schedule(make.job(tenant)),
    "scheduled.Run": lambda make, tenant: make.run(make.job(tenant)),
    "scheduled.LogPosition": log_position,
    "scheduled.Discrepancy": lambda make, tenant: make.discrepancy(make.connection(tenant)),
    "hub.Mail": mail_row,
    "identities.LocalUser": local_user,
    "identities.DirectoryEntry": directory_entry,
    "identities.DirectoryRead": directory_read,
    "mappings.FieldMapping": lambda make, tenant: make.mapping(tenant),
    "mappings.Identity": lambda make, tenant: make.identity(
        make.connection(tenant), "user", "victim-7", "U7"
    ),
    "operations.Operation": lambda make, tenant: (
        make.delivery(make.connection(tenant)) and planned("cancel", tenant)
    ),
    "notices.Notice": notice,
    "outgoing.Delivery": lambda make, tenant: make.delivery(make.connection(tenant)),
    "outgoing.Event": lambda make, tenant: make.event(tenant),
    "outgoing.Route": lambda make, tenant: make.route(make.connection(tenant)),
    "recipes.Integration": lambda make, tenant: make.integration(tenant),
    "tenants.ApiKey": api_key,
    "tenants.PortalLink": lambda make, tenant: make.portal_link(tenant, reference="victim-7"),
    "tenants.Tenant": lambda make, tenant: tenant,
    "tenants.User": lambda make, tenant: make.user("victim@example.com"),
    "throttle.QuotaState": lambda make, tenant: QuotaState.objects.create(
        key="slack|method|T1|x", connector_key="slack", kind="method"
    ),
}
OF_TENANTS = sorted(set(ROWS) - PLATFORM_ONLY)


def page_of(label, view, *args):
    return reverse(f"admin:{label.replace('.', '_').lower()}_{view}", args=args)


def admin_of(label):
    return next(page for model, page in admin.site._registry.items() if model._meta.label == label)


@pytest.fixture
def victim(make):
    return make.tenant("victim-ref", name="Victim Ltd")


@pytest.fixture
def row(make, victim, request):
    return ROWS[request.node.callspec.params["label"]](make, victim)


@pytest.fixture
def signed_in(client):
    def sign_in(user):
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def all_may():
    return list(Permission.objects.all())


@pytest.fixture
def stranger(make, signed_in, all_may):
    user = make.staff(make.tenant("other"))
    user.user_permissions.set(all_may)
    return signed_in(user)


@pytest.fixture
def insider(make, victim, signed_in, all_may):
    user = make.staff(victim)
    user.user_permissions.set(all_may)
    return signed_in(user)


def test_every_model_in_the_admin_has_a_line_here():
    assert {model._meta.label for model in admin.site._registry} == set(ROWS)


@pytest.mark.parametrize("label", OF_TENANTS)
def test_staff_of_the_tenant_see_the_row(label, row, insider):
    assert insider.get(page_of(label, "change", row.pk)).status_code == 200


@pytest.mark.parametrize("view", ["change", "history", "delete"])
@pytest.mark.parametrize("label", ROWS)
def test_another_tenants_staff_do_not_find_it(label, view, row, stranger):
    answer = stranger.get(page_of(label, view, row.pk))
    assert answer.status_code in (403, 404)
    assert "victim" not in answer.content.decode().lower()


@pytest.mark.parametrize("label", ROWS)
def test_another_tenants_staff_do_not_list_it(label, row, stranger):
    for query in (
        "",
        f"?q={row.pk}",
        "?q=victim",
        f"?id__exact={row.pk}",
        f"?tenant__id__exact={row.pk}",
        "?e=1",
    ):
        answer = stranger.get(page_of(label, "changelist") + query)
        assert answer.status_code in (200, 302, 400)
        assert "Victim Ltd" not in answer.content.decode()
        assert page_of(label, "change", row.pk) not in answer.content.decode()


@pytest.mark.parametrize("label", ROWS)
def test_a_form_for_a_new_row_does_not_tell_of_other_tenants(label, row, stranger):
    answer = stranger.get(page_of(label, "add"))
    assert answer.status_code in (200, 403)
    assert "Victim Ltd" not in answer.content.decode()


@pytest.mark.parametrize("label", ROWS)
def test_a_search_finds_no_rows_of_other_tenants(label, row, stranger):
    model = admin_of(label).model
    for field in model._meta.get_fields():
        if field.concrete and field.remote_field:
            query = {
                "app_label": model._meta.app_label,
                "model_name": model._meta.model_name,
                "field_name": field.name,
            }
            answer = stranger.get(reverse("admin:autocomplete"), query | {"term": "", "q": ""})
            assert answer.status_code in (200, 403)
            assert "victim" not in answer.content.decode().lower()


@pytest.mark.parametrize("label", ROWS)
def test_a_secret_column_cannot_be_filtered(label, row, stranger):
    for lookup in (
        "digest__startswith",
        "tenant__api_keys__digest__startswith",
        "created_by__password__startswith",
    ):
        answer = stranger.get(page_of(label, "changelist"), {lookup: "a"})
        assert answer.status_code in (302, 400, 403)


def verbs_of(label):
    return admin_of(label).list_action_names()


@pytest.mark.parametrize("label", ROWS)
def test_another_tenants_staff_do_nothing_to_it(label, row, stranger):
    for verb in verbs_of(label):
        assert stranger.post(page_of(label, "verb", row.pk, verb)).status_code == 404
        assert stranger.get(page_of(label, "verb", row.pk, verb)).status_code == 404


@pytest.mark.parametrize("label", ROWS)
def test_staff_without_permission_neither_see_nor_do(label, row, make, victim, signed_in):
    client = signed_in(make.staff(victim))
    pages = [page_of(label, "changelist"), page_of(label, "add"), page_of(label, "change", row.pk)]
    assert {client.get(page).status_code for page in pages} <= {403, 404}
    for verb in verbs_of(label):
        assert client.post(page_of(label, "verb", row.pk, verb)).status_code in (403, 404)


@pytest.mark.parametrize("label", ROWS)
def test_who_is_not_signed_in_is_asked_to(label, row, client):
    pages = [page_of(label, "changelist"), page_of(label, "add"), page_of(label, "change", row.pk)]
    pages += [page_of(label, "verb", row.pk, verb) for verb in verbs_of(label)]
    assert {client.get(page).url.partition("?")[0] for page in pages} == {reverse("admin:login")}


@pytest.mark.parametrize("label", ROWS)
def test_nothing_is_done_by_looking(label, row, make, signed_in):
    client = signed_in(make.staff(is_superuser=True))
    for verb in verbs_of(label):
        before = AuditRow.objects.count()
        assert client.get(page_of(label, "verb", row.pk, verb)).status_code in (200, 405)
        assert AuditRow.objects.count() == before


@pytest.mark.parametrize(
    "path", ["django_q/schedule/", "django_q/ormq/", "auth/group/", "django_q/success/"]
)
def test_the_queue_and_foreign_models_have_no_page(path, make, signed_in):
    client = signed_in(make.staff(is_superuser=True))
    assert client.get(f"/admin/{path}").status_code == 404
