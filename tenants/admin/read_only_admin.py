"""Read-only admin page of a row, with buttons for actions; what changes is reloaded."""

import hashlib
from datetime import datetime
from typing import Any

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.forms import Media
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.cache import get_conditional_response

from hub.audit import find_owning_tenant
from hub.db.clock import clock
from hub.staff import ModelAdmin, display
from tenants.scoping import ScopedAdminMixin

FRAME = "console/subject.html"  # of a page whose body is the customers'
PAGE_ASSETS = Media(
    css={"all": ["outgoing/outgoing.css", "portal/parts.css"]},
    js=["portal/parts.js", "outgoing/outgoing.js"],
)


class CustomerColumn:
    """Mixin of a ModelAdmin with the column *tenant* of its list."""

    no_tenant_text = "all tenants"

    @display(description="tenant")
    def customer(self, row: models.Model) -> str:
        """Return the name of the row's tenant."""
        tenant = find_owning_tenant(row)
        return str(tenant) if tenant else self.no_tenant_text


class ReadOnlyAdmin(CustomerColumn, ScopedAdminMixin, ModelAdmin):
    """A page of rows that cannot be edited.

    `live_template` is the part of `page_template` that refreshes.
    """

    page_template: str
    live_template: str

    @property
    def media(self) -> Media:
        media: Media = super().media + PAGE_ASSETS
        return media

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.live_view)
        return [
            path("<path:object_id>/live/", view, name=self.build_url_name("live")),
            *super().get_urls(),
        ]

    def build_url_name(self, name: str) -> str:
        return f"{self.model._meta.app_label}_{self.model._meta.model_name}_{name}"

    def title_of(self, obj: Any) -> str:
        return str(obj)

    def live_context(self, obj: Any, *, now: datetime) -> dict[str, Any]:
        """Return the context for `live_template`, which is also part of the page's context."""
        raise NotImplementedError

    def page_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """Return the additional context for `page_template` alone."""
        return {}

    def find_readable(self, request: HttpRequest, object_id: str) -> models.Model:
        obj: models.Model | None = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404(object_id)
        if not self.has_view_permission(request, obj):
            raise PermissionDenied
        return obj

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if object_id is None:
            raise PermissionDenied
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET"])
        obj = self.find_readable(request, object_id)
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "title": self.title_of(obj),
            "page_name": self.title_of(obj),
            "opts": self.model._meta,
            "original": obj,
            "frame_template": FRAME,
            "media": self.media,
            "buttons": self.action_buttons(request, obj),
            "live_url": reverse(
                f"{self.admin_site.name}:{self.build_url_name('live')}", args=[obj.pk]
            ),
            "live_template": self.live_template,
            **self.live_context(obj, now=clock()),
            **self.page_context(request, obj),
        }
        return TemplateResponse(request, self.page_template, context)

    def live_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Render `live_template`; answer 304 if it has not changed."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET"])
        obj = self.find_readable(request, object_id)
        response = render(
            request, self.live_template, {"original": obj, **self.live_context(obj, now=clock())}
        )
        etag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
        response["ETag"] = etag
        response["Cache-Control"] = "private, no-cache"
        return get_conditional_response(request, etag=etag, response=response) or response
