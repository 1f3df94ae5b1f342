"""Addresses of the customers' pages, and of what every page takes beside its contents."""

from django.urls import path

from hub.portal.views import home, look

app_name = "portal"
urlpatterns = [
    path("look/brand.css", look.brand, name="brand"),
    path("look/logo", look.logo, name="logo"),
    path("look/prefer", look.prefer, name="prefer"),
    path("t/<str:tenant>/", home.home, name="home"),
]
