"""Addresses of connecting: where it begins, where another system sends people back to, and what they confirm."""

from django.urls import path

from hub.connections import views

app_name = "connections"
urlpatterns = [
    path("t/<str:tenant>/connect/<slug:connector>/authorize", views.authorize, name="authorize"),
    path("connect/<slug:connector>/callback", views.callback, name="callback"),
    path("connect/<slug:connector>/refused/<slug:code>/", views.refused, name="refused"),
    path("connect/confirm/<uuid:id>/", views.confirmation, name="confirm"),
]
