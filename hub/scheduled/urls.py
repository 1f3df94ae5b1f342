"""URLs of the REST API of scheduled work, below /api/v1/."""

from django.urls import path

from hub.scheduled.api.logs import LogsView

urlpatterns = [
    path("logs", LogsView.as_view(), name="logs"),
]
