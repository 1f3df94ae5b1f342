"""The pages of the API's documentation; anyone may read them."""

from itertools import groupby
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularSwaggerSplitView

from hub.api_docs.guides import FIRST_SLUG, find_guide, list_guides, render_guide
from hub.api_docs.search import search_guides
from hub.problems import CATALOGUE

TERM_LENGTH = 100


def build_menu() -> dict[str, Any]:
    """Return the context of the menu: the guides by group."""
    groups = groupby(list_guides(), key=lambda guide: guide.group)
    return {"menu": [(group, list(guides)) for group, guides in groups]}


@require_safe
def show_guide(request: HttpRequest, slug: str = FIRST_SLUG) -> HttpResponse:
    guide = find_guide(slug)
    if guide is None:
        raise Http404(slug)
    guides = list_guides()
    place = guides.index(guide)
    context = build_menu() | {
        "guide": guide,
        "page": render_guide(guide),
        "previous": guides[place - 1] if place else None,
        "following": guides[place + 1] if place + 1 < len(guides) else None,
    }
    return render(request, "api_docs/guide.html", context)


@require_safe
def show_search(request: HttpRequest) -> HttpResponse:
    term = request.GET.get("q", "").strip()[:TERM_LENGTH]
    context = build_menu() | {"docs_term": term, "results": search_guides(term)}
    return render(request, "api_docs/search.html", context)


@require_safe
def show_problems(request: HttpRequest) -> HttpResponse:
    """List every problem that the API answers with, by status."""
    problems = sorted(CATALOGUE.items(), key=lambda entry: entry[1].status)
    return render(request, "api_docs/problems.html", build_menu() | {"problems": problems})


class ReferenceView(SpectacularSwaggerSplitView):
    """The reference, by Swagger UI from our own files, in the frame of the guides."""

    url_name = "openapi"
    authentication_classes = ()
    permission_classes = ()
    template_name = "api_docs/reference.html"
    title = "API reference"
