"""Render the confirmation of an account, and the pages of failed authorizations."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from connectors.base import Connector
from hub.connections.connecting.login_hosts import LoginHostRefused, build_login_choices
from hub.connections.connecting.oauth.confirmation_plan import ConfirmationPlan
from hub.connections.connecting.oauth.session import AuthorizationRefused
from hub.connections.connecting.troubleshooting import Troubleshooting, explain_problem
from hub.connections.models import Authorization


def render_confirm_page(
    request: HttpRequest,
    authorization: Authorization,
    plan: ConfirmationPlan,
    refused: AuthorizationRefused | None = None,
) -> HttpResponse:
    problem = plan.problem or (refused.reason if refused else "")
    account = plan.connection.account_name or plan.connection.account if plan.connection else ""
    context: dict[str, Any] = {
        "row": authorization,
        "connector": authorization.connector,
        "environment": authorization.connector.environment(authorization.environment),
        "login_host": authorization.login_host,
        "plan": plan,
        "before": account,
        "elsewhere": _explain_for_authorization(
            "elsewhere", authorization, account=authorization.account_name or authorization.account
        )
        if plan.is_connected_elsewhere
        else None,
        "problem": _explain_for_authorization(
            problem, authorization, account=", ".join(plan.missing_permissions) or account
        )
        if problem
        else None,
        "refused": refused,
        "sandbox": authorization.environment == "sandbox" and settings.HUB_ENVIRONMENT == "live",
    }
    context |= _build_permission_context(authorization)
    context |= _build_environment_context(authorization, problem)
    return render(request, "connections/confirm.html", context, status=409 if refused else 200)


def _build_permission_context(authorization: Authorization) -> dict[str, Any]:
    """List the granted and the missing permissions, with advice on the missing ones."""
    connector, granted = authorization.connector, authorization.permissions
    missing = connector.list_missing_permissions(granted)
    advice = None
    if missing:
        advice = _explain_for_authorization(
            "missing_permission", authorization, account=", ".join(missing)
        )
    return {
        "granted_permissions": [
            permission
            for permission in connector.permissions
            if granted is None or connector.has_permission(permission.key, set(granted))
        ],
        "missing": [entry for entry in connector.permissions if entry.key in missing],
        "missing_advice": advice,
    }


def render_exchange_wait_page(request: HttpRequest, authorization: Authorization) -> HttpResponse:
    """Render a page that reloads itself until a slot for the code exchange is free."""
    return render(
        request,
        "connections/exchange_waits.html",
        {"row": authorization, "connector": authorization.connector},
    )


def _build_environment_context(authorization: Authorization, problem: str) -> dict[str, Any]:
    """Build the choice of the environment: the same again, or the other one if confused."""
    if authorization.link and authorization.link.environment:  # the creator of the link has chosen
        return {}
    others = [
        entry.key
        for entry in authorization.connector.environments
        if entry.key != authorization.environment
    ]
    if problem == "other_environment" and others:
        return build_login_choices(authorization.connector, environment=others[0])
    return build_login_choices(
        authorization.connector,
        environment=authorization.environment,
        login_host=authorization.login_host,
    )


def render_login_host_page(
    request: HttpRequest,
    authorization: Authorization,
    refused: LoginHostRefused,
    *,
    back_url: str,
    optional: list[str],
) -> HttpResponse:
    """Ask again for the login host with the reason of the refusal; nothing is stored."""
    context = {
        "row": authorization,
        "connector": authorization.connector,
        "back": back_url,
        "optional": optional,
        "login_host_error": str(refused),
    }
    # the creator of the link has chosen
    if not (authorization.link and authorization.link.environment):
        context |= build_login_choices(
            authorization.connector, login_host=refused.login_host, error=str(refused)
        )
    return render(request, "connections/login_host.html", context, status=422)


def _explain_for_authorization(
    problem: str, authorization: Authorization, *, account: str
) -> Troubleshooting:
    return explain_problem(problem, authorization.connector, hub=settings.HUB_NAME, account=account)


def render_refusal(
    request: HttpRequest,
    authorization: Authorization,
    refused: AuthorizationRefused,
    plan: ConfirmationPlan,
) -> HttpResponse:
    """Render a temporary refusal beside the question, a final one on a separate page."""
    if authorization.state != "granted" or not plan.can_confirm:
        return render_problem_page(
            request,
            refused,
            authorization.connector,
            back_url=authorization.return_to,
            authorization=authorization,
            plan=plan,
        )
    return render_confirm_page(request, authorization, plan, refused)


def render_problem_page(
    request: HttpRequest,
    refused: AuthorizationRefused,
    connector: Connector,
    *,
    back_url: str,
    authorization: Authorization | None = None,
    plan: ConfirmationPlan | None = None,
    status: int = 409,
) -> HttpResponse:
    """Render the cause, who can fix it, a text for that person, and a button to try again."""
    target = authorization.connection if authorization else None
    account = (target.account_name or target.account) if target else ""
    account = ", ".join(plan.missing_permissions if plan else ()) or account
    problem = explain_problem(
        refused.reason, connector, hub=settings.HUB_NAME, account=account, detail=refused.detail
    )
    context = {
        "problem": problem,
        "connector": connector,
        "refused": refused,
        "back": back_url,
        "row": authorization,
        "plan": plan,
    }
    context |= _build_environment_context(authorization, refused.reason) if authorization else {}
    return render(request, "connections/problem.html", context, status=status)
