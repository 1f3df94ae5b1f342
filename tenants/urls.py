"""Where tenants are found: below /api/v1/."""

from django.urls import path

from tenants.api import MeView, TenantView

urlpatterns = [
    path("me", MeView.as_view(), name="me"),
    path("tenants/<str:reference>", TenantView.as_view(), name="tenant"),
]
