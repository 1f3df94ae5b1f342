"""URLs of the REST API of schema drift, below /api/v1/."""

from django.urls import path

from hub.drift.api import CHECK_URLS, DriftFindingView, DriftView

urlpatterns = [
    path("drift", DriftView.as_view(), name="drift"),
    path("drift/<uuid:id>", DriftFindingView.as_view(), name="drift_finding"),
    *CHECK_URLS,
]
