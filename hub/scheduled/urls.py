"""URLs of the REST API of scheduled work, below /api/v1/."""

from django.urls import path

from hub.scheduled.api.certificates import CertificateView
from hub.scheduled.api.discrepancies import DiscrepanciesView, DiscrepancyView
from hub.scheduled.api.logs import LogsView

urlpatterns = [
    path("discrepancies", DiscrepanciesView.as_view(), name="discrepancies"),
    path("discrepancies/<uuid:id>", DiscrepancyView.as_view(), name="discrepancy"),
    path("runs/<uuid:id>/certificate", CertificateView.as_view(), name="run_certificate"),
    path("logs", LogsView.as_view(), name="logs"),
]
