"""The pages on the way back: which account is meant, and what went wrong."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from connectors.base import Connector
from hub.connections.advice import Told, told
from hub.connections.authorize.confirm import Plan
from hub.connections.authorize.who import Refused
from hub.connections.models import Authorization, ConnectorApp


def confirm_page(request: HttpRequest, row: Authorization, plan: Plan, refused: Refused | None = None) -> HttpResponse:
    problem = plan.problem or (refused.code if refused else "")
    granted = set(row.permissions or ())
    missing = row.code.missing(row.permissions)
    account = plan.connection.account_name or plan.connection.account if plan.connection else ""
    facts: dict[str, Any] = {
        "row": row,
        "connector": row.code,
        "environment": row.code.environment(row.environment),
        "plan": plan,
        "before": account,
        "given": [
            entry for entry in row.code.permissions if row.permissions is None or row.code.has(entry.key, granted)
        ],
        "missing": [entry for entry in row.code.permissions if entry.key in missing],
        "lacks": advice("missing_permission", row, account=", ".join(missing)) if missing else None,
        "elsewhere": advice("elsewhere", row, account=row.account_name or row.account) if plan.elsewhere else None,
        "problem": advice(problem, row, account=", ".join(plan.lacking) or account) if problem else None,
        "refused": refused,
        "sandbox": row.environment == "sandbox" and settings.HUB_ENVIRONMENT == "live",
    }
    facts |= to_choose(row, problem)
    return render(request, "connections/confirm.html", facts, status=409 if refused else 200)


def to_choose(row: Authorization, problem: str) -> dict[str, Any]:
    """For another attempt: the same kind of account, or the other one where the two were mixed up."""
    if row.link and row.link.environment:  # whoever made the link has chosen
        return {}
    environments = ConnectorApp.choices(row.code)
    others = [entry.key for entry in environments if entry.key != row.environment]
    mixed = problem == "other_environment" and others
    return {"environments": environments, "chosen": others[0] if mixed else row.environment}


def advice(problem: str, row: Authorization, *, account: str) -> Told:
    return told(problem, row.code, hub=settings.HUB_NAME, account=account)


def refused_page(request: HttpRequest, row: Authorization, refused: Refused, plan: Plan) -> HttpResponse:
    """What may pass is told beside the question, which is asked again; what has ended has a page of its own."""
    if row.state != "granted" or not plan.goes:
        return problem_page(request, refused, row.code, back=row.return_to, row=row, plan=plan)
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
    problem = told(refused.code, connector, hub=settings.HUB_NAME, account=account, says=refused.says)
    facts = {"problem": problem, "connector": connector, "refused": refused, "back": back, "row": row, "plan": plan}
    facts |= to_choose(row, refused.code) if row else {}
    return render(request, "connections/problem.html", facts, status=status)
