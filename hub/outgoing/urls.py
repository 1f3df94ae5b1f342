"""URLs of the REST API of events, deliveries and routes, below /api/v1/."""

from django.urls import path

from hub.outgoing.api.deliveries import DeliveriesView, DeliveryView, ExplainView
from hub.outgoing.api.delivery_actions import DELIVERY_ACTION_URLS
from hub.outgoing.api.endpoints import ENDPOINT_ACTION_URLS, SubscriptionView
from hub.outgoing.api.events import EventsView, EventView, ExplainEventView
from hub.outgoing.api.operations import (
    OPERATION_ACTION_URLS,
    OperationsView,
    OperationView,
)
from hub.outgoing.api.requested_actions import RequestedActionView
from hub.outgoing.api.routes.mapping_views import (
    MAPPING_ACTION_URLS,
    MappingsView,
    MappingVersionsView,
    MappingView,
    TryMappingView,
)
from hub.outgoing.api.routes.views import (
    DisableRouteView,
    EnableRouteView,
    RoutesView,
    RouteView,
    TryRouteView,
)
from hub.outgoing.api.switches import SwitchesView, SwitchView

urlpatterns = [
    path("events", EventsView.as_view(), name="events"),
    path(
        "connections/<uuid:id>/subscription",
        SubscriptionView.as_view(),
        name="connection_subscription",
    ),
    *ENDPOINT_ACTION_URLS,
    path(
        "connections/<uuid:id>/actions/<slug:action>",
        RequestedActionView.as_view(),
        name="connection_action",
    ),
    path("events/<path:id>/explain", ExplainEventView.as_view(), name="event_explain"),
    path("events/<path:id>", EventView.as_view(), name="event"),
    path("deliveries", DeliveriesView.as_view(), name="deliveries"),
    path("deliveries/<uuid:id>", DeliveryView.as_view(), name="delivery"),
    path("deliveries/<uuid:id>/explain", ExplainView.as_view(), name="delivery_explain"),
    *DELIVERY_ACTION_URLS,
    path("operations", OperationsView.as_view(), name="operations"),
    path("operations/<uuid:id>", OperationView.as_view(), name="operation"),
    *OPERATION_ACTION_URLS,
    path("routes", RoutesView.as_view(), name="routes"),
    path("routes/<uuid:id>", RouteView.as_view(), name="route"),
    path("routes/<uuid:id>/try", TryRouteView.as_view(), name="route_try"),
    path("routes/<uuid:id>/enable", EnableRouteView.as_view(), name="route_enable"),
    path("routes/<uuid:id>/disable", DisableRouteView.as_view(), name="route_disable"),
    path("mappings", MappingsView.as_view(), name="mappings"),
    path("mappings/<uuid:id>", MappingView.as_view(), name="mapping"),
    path("mappings/<uuid:id>/try", TryMappingView.as_view(), name="mapping_try"),
    *MAPPING_ACTION_URLS,
    path("mappings/<uuid:id>/versions", MappingVersionsView.as_view(), name="mapping_versions"),
    path("switches", SwitchesView.as_view(), name="switches"),
    path("switches/<str:name>", SwitchView.as_view(), name="switch"),
]
