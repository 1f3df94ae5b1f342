"""Addresses of the customers' pages, and of what every page takes beside its contents."""

from django.urls import path

from hub.portal.views import (
    catalogue,
    connection,
    deliveries,
    endpoint,
    endpoints,
    events,
    home,
    identities,
    look,
    mend,
    operations,
    saved,
    settings,
    wizard,
)

HERE = "t/<str:tenant>/"
ONE = f"{HERE}connections/<uuid:id>/"
OWN = f"{HERE}endpoints/<uuid:id>/"

app_name = "portal"
urlpatterns = [
    path("look/brand.css", look.brand, name="brand"),
    path("look/logo", look.logo, name="logo"),
    path("look/prefer", look.prefer, name="prefer"),
    path(HERE, home.home, name="home"),
    path(f"{HERE}catalogue/", catalogue.catalogue, name="catalogue"),
    path(f"{HERE}catalogue/request", catalogue.request_one, name="request_one"),
    path(f"{HERE}connect/<slug:connector>/", wizard.about, name="connect"),
    path(f"{HERE}connect/<slug:connector>/fill-in/", wizard.fill_in, name="fill_in"),
    path(ONE, connection.connection, name="connection"),
    path(f"{ONE}connected/", wizard.connected, name="connected"),
    path(f"{ONE}test", connection.test, name="connection_test"),
    path(f"{ONE}resume", connection.resume, name="connection_resume"),
    path(f"{ONE}pause/", connection.pause, name="pause"),
    path(f"{ONE}rename/", connection.rename, name="rename"),
    path(f"{ONE}reconnect/", mend.reconnect, name="reconnect"),
    path(f"{ONE}identities/", identities.identities, name="identities"),
    path(f"{ONE}identities/say/", identities.say, name="identity_say"),
    path(f"{ONE}identities/remove/", identities.remove, name="identity_remove"),
    path(f"{ONE}notifications/", settings.notifications, name="notifications"),
    path(f"{ONE}disconnect/", connection.end, name="disconnect"),
    path(f"{HERE}settings/", settings.settings, name="settings"),
    path(f"{HERE}events/", events.events, name="events"),
    path(f"{HERE}events/new", events.new, name="events_new"),
    path(f"{HERE}events/export.<slug:kind>", events.export, name="events_export"),
    path(f"{HERE}events/views", saved.keep, name="view_save"),
    path(f"{HERE}events/views/<uuid:id>/remove", saved.remove, name="view_remove"),
    path(f"{HERE}events/<uuid:id>/", events.event, name="event"),
    path(f"{HERE}deliveries/<uuid:id>/", deliveries.delivery, name="delivery"),
    path(f"{HERE}deliveries/<uuid:id>/live", deliveries.live, name="delivery_live"),
    path(f"{HERE}deliveries/<uuid:id>/<slug:verb>", deliveries.do, name="delivery_do"),
    path(f"{HERE}endpoints/", endpoints.endpoints, name="endpoints"),
    path(f"{HERE}endpoints/add", endpoints.add, name="endpoint_add"),
    path(OWN, endpoints.endpoint, name="endpoint"),
    path(f"{OWN}events", endpoint.events, name="endpoint_events"),
    path(f"{OWN}match", endpoint.match, name="endpoint_match"),
    path(f"{OWN}headers", endpoint.headers, name="endpoint_headers"),
    path(f"{OWN}pace", endpoint.pace, name="endpoint_pace"),
    path(f"{OWN}reveal", endpoint.reveal, name="endpoint_reveal"),
    path(f"{OWN}rotate", endpoint.rotate, name="endpoint_rotate"),
    path(f"{OWN}end-overlap", endpoint.end_overlap, name="endpoint_end_overlap"),
    path(f"{OWN}test", endpoint.test, name="endpoint_test"),
    path(f"{OWN}recover", endpoint.recover, name="endpoint_recover"),
    path(f"{HERE}operations/plan", operations.plan, name="plan"),
    path(f"{HERE}operations/<uuid:id>/", operations.operation, name="operation"),
    path(f"{HERE}operations/<uuid:id>/live", operations.live, name="operation_live"),
    path(f"{HERE}operations/<uuid:id>/<slug:verb>", operations.do, name="operation_do"),
]
