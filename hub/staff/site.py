"""The admin site."""

from collections.abc import Callable
from typing import Any

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from unfold.dataclasses import SearchResult
from unfold.sites import UnfoldAdminSite

from hub.staff import mfa_gate
from hub.staff.model_admin import ModelAdmin

__all__ = ["SearchResult", "AdminSite"]


class AdminSite(UnfoldAdminSite):
    """An admin site that registers only our own admin classes.

    Admin classes of libraries are ignored: in that of the task queue, a schedule can run any
    function.
    """

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        if admin_class is not None and issubclass(admin_class, ModelAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def admin_view(self, view: Any, cacheable: bool = False) -> Callable[..., Any]:
        """Allow style attributes on admin pages only, since Unfold sets colours in them."""
        return csp_update({"style-src": [SELF, UNSAFE_INLINE]})(super().admin_view(view, cacheable))

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and mfa_gate.has_passed_mfa(request)

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Redirect to the next step of signing in, or to the admin if there is none."""
        if self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        return mfa_gate.redirect_to_next_step(request)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return HttpResponseRedirect(reverse("account_change_password"))
