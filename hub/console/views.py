"""The pages that the `type` of a problem leads to: what happened, and what to do."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hub.problems import CATALOGUE


@require_safe
def problem_page(request: HttpRequest, code: str) -> HttpResponse:
    if code not in CATALOGUE:
        raise Http404(code)
    return render(request, "problems/problem.html", {"code": code, "kind": CATALOGUE[code]})
