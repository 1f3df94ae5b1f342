"""URLs of the REST API of scheduled work, below /api/v1/."""

from django.urls import path

from hub.scheduled.api.certificates import CertificateView
from hub.scheduled.api.discrepancies import DiscrepanciesView, DiscrepancyView
from hub.scheduled.api.discrepancy_actions import (
    IgnoreView,
    RepairsView,
    RepairView,
    StopIgnoringView,
)
from hub.scheduled.api.logs import LogsView

urlpatterns = [
    path("discrepancies", DiscrepanciesView.as_view(), name="discrepancies"),
    path("discrepancies/<uuid:id>", DiscrepancyView.as_view(), name="discrepancy"),
    path("discrepancies/<uuid:id>/repair", RepairView.as_view(), name="discrepancy_repair"),
    path("discrepancies/<uuid:id>/ignore", IgnoreView.as_view(), name="discrepancy_ignore"),
    path(
        "discrepancies/<uuid:id>/stop-ignoring",
        StopIgnoringView.as_view(),
        name="discrepancy_stop_ignoring",
    ),
    path("discrepancies/repairs", RepairsView.as_view(), name="discrepancy_repairs"),
    path("runs/<uuid:id>/certificate", CertificateView.as_view(), name="run_certificate"),
    path("logs", LogsView.as_view(), name="logs"),
]
