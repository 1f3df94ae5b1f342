"""URLs of the REST API of scheduled work, below /api/v1/."""

from django.urls import path

from hub.scheduled.api.certificates import CertificateView
from hub.scheduled.api.discrepancies import DiscrepanciesView, DiscrepancyView
from hub.scheduled.api.discrepancy_actions import DISCREPANCY_ACTION_URLS, RepairsView
from hub.scheduled.api.jobs import JobsView, JobView, SlotsView
from hub.scheduled.api.logs import LogsView
from hub.scheduled.api.night import ReadNight
from hub.scheduled.api.runs import (
    RUN_ACTION_URLS,
    JobRunsView,
    RunLogView,
    RunsView,
    RunView,
)

urlpatterns = [
    path("jobs", JobsView.as_view(), name="jobs"),
    path("jobs/<uuid:id>", JobView.as_view(), name="job"),
    path("jobs/<uuid:id>/slots", SlotsView.as_view(), name="job_slots"),
    path("jobs/<uuid:id>/runs", JobRunsView.as_view(), name="job_runs"),
    path("night", ReadNight.as_view(), name="night"),
    path("runs", RunsView.as_view(), name="runs"),
    path("runs/<uuid:id>", RunView.as_view(), name="run"),
    *RUN_ACTION_URLS,
    path("runs/<uuid:id>/log", RunLogView.as_view(), name="run_log"),
    path("discrepancies", DiscrepanciesView.as_view(), name="discrepancies"),
    path("discrepancies/<uuid:id>", DiscrepancyView.as_view(), name="discrepancy"),
    *DISCREPANCY_ACTION_URLS,
    path("discrepancies/repairs", RepairsView.as_view(), name="discrepancy_repairs"),
    path("runs/<uuid:id>/certificate", CertificateView.as_view(), name="run_certificate"),
    path("logs", LogsView.as_view(), name="logs"),
]
