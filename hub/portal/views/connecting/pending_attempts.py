"""Pending authorizations: their states, the pages where they continue, and their cancellation."""

from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from hub.connections.connecting.oauth.pending import find_pending_authorizations, has_outcome
from hub.connections.connecting.troubleshooting import Troubleshooting, explain_problem
from hub.connections.models import Authorization
from hub.connections.views.oauth_begin import identify_browser
from tenants.access.tenant_users import TenantUser

ATTEMPTS_SHOWN = 20


class PendingAttempt(NamedTuple):
    authorization: Authorization
    page: str  # the page where it continues
    # the request to an administrator there, who may have to approve first
    admin_request: Troubleshooting | None
    outcome: Troubleshooting | None  # the problem, if known

    @property
    def awaits_confirmation(self) -> bool:
        """Return whether the account must now be confirmed in this browser."""
        return self.page == reverse_confirm_page(self.authorization)


def list_pending_attempts(
    request: HttpRequest, tenant_user: TenantUser, *, now: datetime
) -> list[PendingAttempt]:
    """List the newest pending authorizations, in one query."""
    return [
        describe_attempt(request, authorization, now=now)
        for authorization in find_pending_authorizations(tenant_user.tenant, now=now)[
            :ATTEMPTS_SHOWN
        ]
    ]


def describe_attempt(
    request: HttpRequest, authorization: Authorization, *, now: datetime
) -> PendingAttempt:
    hub, page = settings.HUB_NAME, reverse_resume_page(request, authorization, now=now)
    if has_outcome(authorization):
        return PendingAttempt(
            authorization,
            page,
            None,
            explain_problem(
                authorization.reason, authorization.connector, hub=hub, detail=authorization.detail
            ),
        )
    has_returned = authorization.state in ("received", "granted")
    admin_request = (
        None
        if has_returned or not authorization.connector.asks_admins
        else explain_problem("awaiting_approval", authorization.connector, hub=hub)
    )
    return PendingAttempt(authorization, page, admin_request, None)


def reverse_resume_page(
    request: HttpRequest, authorization: Authorization, *, now: datetime
) -> str:
    """Return the URL of the confirmation page in the returning browser, else of the first page."""
    browser, tenant_reference = identify_browser(request), authorization.tenant.reference
    if (
        authorization.state == "granted"
        and not authorization.is_late(now=now)
        and browser.is_browser_of(authorization)
        and browser.has_begun(authorization)
    ):
        return reverse_confirm_page(authorization)
    if authorization.connection:
        return reverse(
            "portal:reconnect", args=[tenant_reference, authorization.connection.public_id]
        )
    connect_page = reverse("portal:connect", args=[tenant_reference, authorization.connector_key])
    return f"{connect_page}?waiting={authorization.public_id}"


def reverse_confirm_page(authorization: Authorization) -> str:
    return reverse("connections:confirm", args=[authorization.public_id])
