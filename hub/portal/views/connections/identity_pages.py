"""Pages of identities: links of our records to records of the other system, such as channels."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from hub import egress
from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.identities.models import DirectoryEntry
from hub.identities.review.rows import load_directory_entries
from hub.incoming.insight.unresolved_authors import UnresolvedAuthor, list_unresolved_authors
from hub.mappings.identity_pairs import remove_identity, set_identity
from hub.mappings.models import Identity, match_identities_after, match_identity_prefix
from hub.outgoing.insight.missing_identities import list_missing_identities
from hub.portal.forms import OwnRecordForm, RemoteRecordForm
from hub.portal.offered_choices import READ_AGAIN, OfferedChoices, load_offered_choices
from hub.portal.views.connections.own_connection import (
    ADMIN,
    ROUTES_SHOWN,
    filter_routes_to,
    get_own_connection,
)
from tenants.access.tenant_users import TenantUser, tenant_view

IDENTITIES_SHOWN = 50


def filter_identities(tenant_user: TenantUser, connection: Connection) -> QuerySet[Identity]:
    """Select the confirmed identities."""
    own_identities = Identity.objects.of(tenant_user.tenant)
    return own_identities.filter(connection=connection, state=Identity.State.CONFIRMED)


@require_safe
@tenant_view()
def list_identities(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """List the stored identities, ordered by our records, and the missing ones."""
    connection = get_own_connection(tenant_user, id)
    term, cursor = request.GET.get("q", "").strip(), request.GET.get("after", "")
    identities = filter_identities(tenant_user, connection).order_by("kind", "local_id")
    identities = identities.filter(match_identity_prefix(term))
    if cursor:
        identities = identities.filter(match_identities_after(cursor))
    page = list(identities[: IDENTITIES_SHOWN + 1])
    search_parameters = {"q": term} if term else {}
    missing = list_missing_identities(list(filter_routes_to(connection)[:ROUTES_SHOWN]), connection)
    context = {
        "tenant_user": tenant_user,
        "connection": connection,
        "connector": connection.connector,
        "identities": page[:IDENTITIES_SHOWN],
        "beginning": term,
        "older": f"?{urlencode(search_parameters | {'after': page[IDENTITIES_SHOWN - 1].cursor})}"
        if len(page) > IDENTITIES_SHOWN
        else "",
        "newer": f"?{urlencode(search_parameters)}" if cursor else "",
        "missing": missing,
        "unresolved_authors": name_unresolved_authors(connection),
        "form": OwnRecordForm(),
        "kinds": sorted(
            {*connection.connector.list_choices_by_kind, *(entry.kind for entry in missing)}
        ),
    }
    return render(request, "portal/identities/list.html", context)


def name_unresolved_authors(
    connection: Connection,
) -> list[tuple[UnresolvedAuthor, DirectoryEntry | None]]:
    """Return the authors without an identity, with the person where the directory has one."""
    authors = list_unresolved_authors(connection)
    if not authors:
        return []
    entries = load_directory_entries(connection, [author.remote_id for author in authors])
    return [(author, entries.get(author.remote_id)) for author in authors]


def redirect_to_identities(tenant_user: TenantUser, connection: Connection) -> HttpResponseRedirect:
    return HttpResponseRedirect(
        reverse("portal:identities", args=[tenant_user.tenant.reference, connection.public_id])
    )


@require_http_methods(["GET", "POST"])
@tenant_view(min_role=ADMIN)
def choose_identity_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Choose the other system's record for our record, which the URL names."""
    connection, now = get_own_connection(tenant_user, id), clock()
    own_record = OwnRecordForm(request.GET)
    if not own_record.is_valid():
        messages.error(request, _("Enter your record first: its kind and its ID in events."))
        return redirect_to_identities(tenant_user, connection)
    identity = filter_identities(tenant_user, connection).filter(**own_record.cleaned_data).first()
    reads_again = READ_AGAIN in request.POST
    form = RemoteRecordForm(
        None if reads_again else request.POST or None,
        choices=connection.connector.list_choices_by_kind.get(own_record.cleaned_data["kind"]),
    )
    if (
        request.method == "POST"
        and form.is_valid()
        and _save_choice(request, tenant_user, connection, own_record, form, now=now)
    ):
        messages.success(request, _("Saved. Deliveries that were held for it are sent now."))
        return redirect_to_identities(tenant_user, connection)
    offered = OfferedChoices()  # of a kind that the system does not list
    if own_record.cleaned_data["kind"] in connection.connector.list_choices_by_kind:
        offered = load_offered_choices(
            connection,
            own_record.cleaned_data["kind"],
            call=egress.send_request if reads_again else None,
            may_request=not tenant_user.support_visit,
            now=now,
        )
    offered_id = request.GET.get("remote_id", "")[:200]
    form.show(offered.rows, current=identity.remote_id if identity else offered_id)
    context: dict[str, Any] = {
        "tenant_user": tenant_user,
        "connection": connection,
        "connector": connection.connector,
    }
    context |= {
        "own_record": own_record.cleaned_data,
        "form": form,
        "offer": offered,
        "identity": identity,
    }
    return render(request, "portal/identities/say.html", context)


def _save_choice(
    request: HttpRequest,
    tenant_user: TenantUser,
    connection: Connection,
    own_record: OwnRecordForm,
    form: RemoteRecordForm,
    *,
    now: datetime,
) -> bool:
    """Set the identity; return False, with the error in the form, if it cannot be set."""
    try:
        set_identity(
            connection,
            remote_id=form.cleaned_data["id"],
            name=form.cleaned_data["name"],
            actor=ActorContext.of_visitor(request, tenant_user),
            now=now,
            **own_record.cleaned_data,
        )
    except ValidationError as error:
        form.add_error("remote_id", error.messages[0])
        return False
    return True


@require_http_methods(["GET", "POST"])
@tenant_view(min_role=ADMIN)
def remove_identity_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Show the consequences of removing the identity (GET); remove it (POST)."""
    connection = get_own_connection(tenant_user, id)
    own_record = {name: request.GET.get(name, "") for name in ("kind", "local_id")}
    identity = get_object_or_404(
        filter_identities(tenant_user, connection).select_related("connection__tenant"),
        **own_record,
    )
    if request.method == "POST":
        remove_identity(identity, ActorContext.of_visitor(request, tenant_user), now=clock())
        messages.success(request, _("Removed. Deliveries that need it will be held."))
        return redirect_to_identities(tenant_user, connection)
    context = {
        "tenant_user": tenant_user,
        "connection": connection,
        "connector": connection.connector,
        "identity": identity,
    }
    return render(request, "portal/identities/remove.html", context)
