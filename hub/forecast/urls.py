"""URLs of the forecast, below /api/v1/."""

from django.urls import path

from hub.forecast.api import UpcomingView

urlpatterns = [path("upcoming", UpcomingView.as_view(), name="upcoming")]
