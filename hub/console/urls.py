"""URLs of staff pages that have no model of their own."""

from django.contrib import admin
from django.urls import path

from hub.console import views

app_name = "console"
urlpatterns = [path("health/", admin.site.admin_view(views.show_health), name="health")]
