"""The pages on the way back: which account is meant, and what went wrong."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from connectors.base import Connector
from hub.connections.advice import Told, told
from hub.connections.authorize.confirm import Plan
from hub.connections.authorize.who import Refused
from hub.connections.login_hosts import LoginHostRefused, login_choices
from hub.connections.models import Authorization


def confirm_page(request: HttpRequest, row: Authorization, plan: Plan, refused: Refused | None = None) -> HttpResponse:
    problem = plan.problem or (refused.code if refused else "")
    granted = set(row.permissions or ())
    missing = row.connector.missing(row.permissions)
    account = plan.connection.account_name or plan.connection.account if plan.connection else ""
    facts: dict[str, Any] = {
        "row": row,
        "connector": row.connector,
        "environment": row.connector.environment(row.environment),
        "login_host": row.login_host,
        "plan": plan,
        "before": account,
        "given": [
            entry
            for entry in row.connector.permissions
            if row.permissions is None or row.connector.has(entry.key, granted)
        ],
        "missing": [entry for entry in row.connector.permissions if entry.key in missing],
        "lacks": advice("missing_permission", row, account=", ".join(missing)) if missing else None,
        "elsewhere": advice("elsewhere", row, account=row.account_name or row.account) if plan.elsewhere else None,
        "problem": advice(problem, row, account=", ".join(plan.lacking) or account) if problem else None,
        "refused": refused,
        "sandbox": row.environment == "sandbox" and settings.HUB_ENVIRONMENT == "live",
    }
    facts |= to_choose(row, problem)
    return render(request, "connections/confirm.html", facts, status=409 if refused else 200)


def exchange_waits_page(request: HttpRequest, row: Authorization) -> HttpResponse:
    """Too many systems are asked at this moment: the page looks again by itself, as long as the attempt lives."""
    return render(request, "connections/exchange_waits.html", {"row": row, "connector": row.connector})


def to_choose(row: Authorization, problem: str) -> dict[str, Any]:
    """For another attempt: the same kind of account, or the other one where the two were mixed up."""
    if row.link and row.link.environment:  # whoever made the link has chosen
        return {}
    others = [entry.key for entry in row.connector.environments if entry.key != row.environment]
    if problem == "other_environment" and others:
        return login_choices(row.connector, environment=others[0])
    return login_choices(row.connector, environment=row.environment, login_host=row.login_host)


def login_host_page(
    request: HttpRequest, row: Authorization, refused: LoginHostRefused, *, back: str, optional: list[str]
) -> HttpResponse:
    """Ask again where people sign in, with what was typed and why it cannot be. `row` is not stored."""
    context = {
        "row": row,
        "connector": row.connector,
        "back": back,
        "optional": optional,
        "login_host_error": str(refused),
    }
    if not (row.link and row.link.environment):  # whoever made the link has chosen
        context |= login_choices(row.connector, login_host=refused.login_host, error=str(refused))
    return render(request, "connections/login_host.html", context, status=422)


def advice(problem: str, row: Authorization, *, account: str) -> Told:
    return told(problem, row.connector, hub=settings.HUB_NAME, account=account)


def refused_page(request: HttpRequest, row: Authorization, refused: Refused, plan: Plan) -> HttpResponse:
    """What may pass is told beside the question, which is asked again; what has ended has a page of its own."""
    if row.state != "granted" or not plan.goes:
        return problem_page(request, refused, row.connector, back=row.return_to, row=row, plan=plan)
    return confirm_page(request, row, plan, refused)


def problem_page(
    request: HttpRequest,
    refused: Refused,
    connector: Connector,
    *,
    back: str,
    row: Authorization | None = None,
    plan: Plan | None = None,
    status: int = 409,
) -> HttpResponse:
    """Cause, who can mend it, a text for that person, a way back, and where we know whose it is: once more."""
    target = row.connection if row else None
    account = (target.account_name or target.account) if target else ""
    account = ", ".join(plan.lacking if plan else ()) or account
    problem = told(refused.code, connector, hub=settings.HUB_NAME, account=account, detail=refused.detail)
    facts = {"problem": problem, "connector": connector, "refused": refused, "back": back, "row": row, "plan": plan}
    facts |= to_choose(row, refused.code) if row else {}
    return render(request, "connections/problem.html", facts, status=status)
