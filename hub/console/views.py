"""Pages that belong to no model: the way in, the dashboard, and where the `type` of a problem leads to."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from hub.problems import CATALOGUE


@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """Where a person begins; who is not signed in is asked to there."""
    return HttpResponseRedirect(reverse("admin:index"))


@require_safe
def problem_page(request: HttpRequest, code: str) -> HttpResponse:
    if code not in CATALOGUE:
        raise Http404(code)
    return render(request, "problems/problem.html", {"code": code, "kind": CATALOGUE[code]})


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    return context
