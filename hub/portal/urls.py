"""URLs of the portal's pages and of the assets that every page loads."""

from django.urls import path

from hub.portal.views import (
    access_actions,
    change_pages,
    home,
    preferences,
    search_pages,
    settings_pages,
    support_pages,
    upcoming_pages,
)
from hub.portal.views.connecting import catalogue, reconnect, wizard
from hub.portal.views.connections import (
    connection_pages,
    connection_test_pages,
    disconnect_pages,
    identity_pages,
    schema_pages,
)
from hub.portal.views.endpoints import endpoint_actions, endpoint_pages
from hub.portal.views.identities import csv_pages, fallback_pages, review_pages
from hub.portal.views.incoming import health_pages, incoming_pages, webhook_pages
from hub.portal.views.integrations import (
    integration_changes,
    integration_pages,
    switch_on_pages,
)
from hub.portal.views.log import delivery_pages, event_pages, operation_pages, saved_view_pages
from hub.portal.views.mappings import mapping_pages
from hub.portal.views.scheduled import (
    certificate_pages,
    discrepancy_actions,
    discrepancy_pages,
    job_changes,
    job_pages,
    log_shipping_pages,
    run_pages,
)

TENANT_PATH = "t/<str:tenant>/"
CONNECTION_PATH = f"{TENANT_PATH}connections/<uuid:id>/"
MAPPING_PATH = f"{TENANT_PATH}mappings/<uuid:id>/"
ENDPOINT_PATH = f"{TENANT_PATH}endpoints/<uuid:id>/"
INTEGRATION_PATH = f"{TENANT_PATH}integrations/<uuid:id>/"

app_name = "portal"
urlpatterns = [
    path("look/brand.css", preferences.serve_brand_css, name="brand"),
    path("look/logo", preferences.serve_logo, name="logo"),
    path("look/prefer", preferences.save_preference, name="prefer"),
    path(TENANT_PATH, home.show_home, name="home"),
    path(f"{TENANT_PATH}search/", search_pages.show_search, name="search"),
    path(f"{TENANT_PATH}upcoming/", upcoming_pages.show_upcoming, name="upcoming"),
    path(f"{TENANT_PATH}changes/", change_pages.show_changes, name="changes"),
    path(f"{TENANT_PATH}catalogue/", catalogue.show_catalogue, name="catalogue"),
    path(f"{TENANT_PATH}catalogue/request", catalogue.request_system_view, name="request_one"),
    path(f"{TENANT_PATH}connect/<slug:connector>/", wizard.show_connect_page, name="connect"),
    path(
        f"{TENANT_PATH}connect/<slug:connector>/fill-in/",
        wizard.connect_by_form_view,
        name="fill_in",
    ),
    path(f"{TENANT_PATH}integrations/", integration_pages.list_integrations, name="integrations"),
    path(
        f"{TENANT_PATH}integrations/new/<slug:key>/",
        switch_on_pages.switch_on_view,
        name="integration_new",
    ),
    path(INTEGRATION_PATH, integration_pages.show_integration, name="integration"),
    path(
        f"{INTEGRATION_PATH}answers/",
        integration_changes.change_answers_view,
        name="integration_change",
    ),
    path(
        f"{INTEGRATION_PATH}upgrade/", integration_changes.upgrade_view, name="integration_upgrade"
    ),
    path(
        f"{INTEGRATION_PATH}<slug:verb>",
        integration_changes.run_integration_action,
        name="integration_do",
    ),
    path(CONNECTION_PATH, connection_pages.show_connection, name="connection"),
    path(f"{CONNECTION_PATH}connected/", wizard.show_connected, name="connected"),
    path(
        f"{CONNECTION_PATH}test/progress/",
        connection_test_pages.show_test_progress,
        name="connection_test_progress",
    ),
    path(f"{CONNECTION_PATH}schema/", schema_pages.show_schema, name="connection_schema"),
    path(
        f"{CONNECTION_PATH}schema/<slug:verb>",
        schema_pages.run_schema_action,
        name="schema_do",
    ),
    path(
        f"{CONNECTION_PATH}<slug:verb>",
        connection_pages.run_connection_action,
        name="connection_do",
    ),
    path(f"{CONNECTION_PATH}reconnect/", reconnect.reconnect_view, name="reconnect"),
    path(f"{CONNECTION_PATH}identities/", identity_pages.list_identities, name="identities"),
    path(f"{CONNECTION_PATH}identities/review/", review_pages.show_review, name="identity_review"),
    path(
        f"{CONNECTION_PATH}identities/review/reads",
        review_pages.show_read_progress,
        name="identity_reads",
    ),
    path(
        f"{CONNECTION_PATH}identities/review/<slug:verb>",
        review_pages.decide_identities_view,
        name="identity_decide",
    ),
    path(
        f"{CONNECTION_PATH}identities/export.csv",
        csv_pages.export_identities_view,
        name="identity_export",
    ),
    path(
        f"{CONNECTION_PATH}identities/import/",
        csv_pages.import_identities_view,
        name="identity_import",
    ),
    path(
        f"{CONNECTION_PATH}identities/fallbacks/",
        fallback_pages.show_fallbacks,
        name="identity_fallbacks",
    ),
    path(
        f"{CONNECTION_PATH}identities/fallbacks/remove",
        fallback_pages.remove_fallback_view,
        name="identity_fallback_remove",
    ),
    path(
        f"{CONNECTION_PATH}identities/say/",
        identity_pages.choose_identity_view,
        name="identity_say",
    ),
    path(
        f"{CONNECTION_PATH}identities/remove/",
        identity_pages.remove_identity_view,
        name="identity_remove",
    ),
    path(
        f"{CONNECTION_PATH}notifications/", settings_pages.edit_notifications, name="notifications"
    ),
    path(f"{CONNECTION_PATH}disconnect/", disconnect_pages.disconnect_view, name="disconnect"),
    path(
        f"{TENANT_PATH}members/invite",
        access_actions.invite_person,
        {"verb": "invite"},
        name="tenant_do",
    ),
    path(
        f"{TENANT_PATH}members/<uuid:id>/<slug:verb>",
        access_actions.run_member_action,
        name="member_do",
    ),
    path(
        f"{TENANT_PATH}members/invitations/<uuid:id>/<slug:verb>",
        access_actions.run_invitation_action,
        name="invitation_do",
    ),
    path(
        f"{TENANT_PATH}links/<uuid:id>/<slug:verb>",
        access_actions.run_connect_link_action,
        name="connect_link_do",
    ),
    path(f"{TENANT_PATH}settings/", settings_pages.show_settings, name="settings"),
    path(
        f"{TENANT_PATH}settings/support/",
        support_pages.list_support_visits,
        name="support_visits",
    ),
    path(f"{TENANT_PATH}events/", event_pages.show_log, name="events"),
    path(f"{TENANT_PATH}events/new", event_pages.show_new_rows, name="events_new"),
    path(
        f"{TENANT_PATH}events/export.<slug:kind>", event_pages.export_log_view, name="events_export"
    ),
    path(f"{TENANT_PATH}events/views", saved_view_pages.create_saved_view, name="view_save"),
    path(
        f"{TENANT_PATH}events/views/<uuid:id>/remove",
        saved_view_pages.delete_saved_view,
        name="view_remove",
    ),
    path(f"{TENANT_PATH}events/incoming/", incoming_pages.show_incoming, name="incoming"),
    path(
        f"{TENANT_PATH}events/incoming/<uuid:id>/",
        incoming_pages.show_incoming_item,
        name="incoming_item",
    ),
    path(
        f"{TENANT_PATH}events/incoming/<uuid:id>/<slug:verb>",
        incoming_pages.run_item_action,
        name="incoming_item_do",
    ),
    path(f"{TENANT_PATH}webhooks/", health_pages.show_webhook_health, name="webhooks"),
    path(f"{TENANT_PATH}webhooks/sources/<uuid:id>/", health_pages.show_source, name="source"),
    path(
        f"{TENANT_PATH}webhooks/sources/<uuid:id>/<slug:verb>",
        health_pages.run_source_action,
        name="source_do",
    ),
    path(f"{TENANT_PATH}webhooks/gaps/<uuid:id>/", health_pages.show_gap, name="gap"),
    path(
        f"{TENANT_PATH}webhooks/gaps/<uuid:id>/live",
        health_pages.show_gap_progress,
        name="gap_live",
    ),
    path(
        f"{TENANT_PATH}webhooks/gaps/<uuid:id>/<slug:verb>",
        health_pages.run_gap_action,
        name="gap_do",
    ),
    path(
        f"{TENANT_PATH}webhooks/<uuid:id>/<slug:verb>",
        webhook_pages.run_subscription_action,
        name="webhook_do",
    ),
    path(f"{TENANT_PATH}events/<uuid:id>/", event_pages.show_event, name="event"),
    path(f"{TENANT_PATH}deliveries/<uuid:id>/", delivery_pages.show_delivery, name="delivery"),
    path(
        f"{TENANT_PATH}deliveries/<uuid:id>/live",
        delivery_pages.show_delivery_status,
        name="delivery_live",
    ),
    path(
        f"{TENANT_PATH}deliveries/<uuid:id>/<slug:verb>",
        delivery_pages.run_delivery_action,
        name="delivery_do",
    ),
    path(f"{TENANT_PATH}endpoints/", endpoint_pages.list_endpoints, name="endpoints"),
    path(f"{TENANT_PATH}endpoints/add", endpoint_pages.add_endpoint_view, name="endpoint_add"),
    path(ENDPOINT_PATH, endpoint_pages.show_endpoint, name="endpoint"),
    path(f"{ENDPOINT_PATH}events", endpoint_actions.choose_events_view, name="endpoint_events"),
    path(f"{ENDPOINT_PATH}match", endpoint_actions.preview_matches, name="endpoint_match"),
    path(f"{ENDPOINT_PATH}headers", endpoint_actions.change_headers_view, name="endpoint_headers"),
    path(f"{ENDPOINT_PATH}pace", endpoint_actions.change_rate_limit_view, name="endpoint_pace"),
    path(f"{ENDPOINT_PATH}recover", endpoint_actions.plan_recovery_view, name="endpoint_recover"),
    path(f"{ENDPOINT_PATH}<slug:verb>", endpoint_actions.run_endpoint_action, name="endpoint_do"),
    path(f"{TENANT_PATH}mappings/", mapping_pages.list_mappings, name="mappings"),
    path(MAPPING_PATH, mapping_pages.show_mapping, name="mapping"),
    path(f"{MAPPING_PATH}edit", mapping_pages.edit_mapping_view, name="mapping_edit"),
    path(f"{MAPPING_PATH}copy", mapping_pages.copy_mapping_view, name="mapping_copy"),
    path(f"{MAPPING_PATH}versions/", mapping_pages.list_versions, name="mapping_versions"),
    path(f"{MAPPING_PATH}<slug:verb>", mapping_pages.run_mapping_action, name="mapping_do"),
    path(f"{TENANT_PATH}jobs/", job_pages.list_jobs, name="jobs"),
    path(f"{TENANT_PATH}jobs/add", job_changes.add_job_view, name="job_add"),
    path(f"{TENANT_PATH}jobs/<uuid:id>/", job_pages.show_job, name="job"),
    path(f"{TENANT_PATH}jobs/<uuid:id>/change", job_changes.change_job_view, name="job_change"),
    path(f"{TENANT_PATH}jobs/<uuid:id>/<slug:verb>", job_changes.run_job_action, name="job_do"),
    path(f"{TENANT_PATH}runs/", run_pages.list_runs, name="runs"),
    path(f"{TENANT_PATH}runs/night/", run_pages.show_night, name="runs_night"),
    path(f"{TENANT_PATH}runs/<uuid:id>/", run_pages.show_run, name="run"),
    path(f"{TENANT_PATH}runs/<uuid:id>/live", run_pages.show_run_progress, name="run_live"),
    path(f"{TENANT_PATH}runs/<uuid:id>/<slug:verb>", run_pages.perform_run_action, name="run_do"),
    path(
        f"{TENANT_PATH}discrepancies/", discrepancy_pages.show_discrepancies, name="discrepancies"
    ),
    path(
        f"{TENANT_PATH}discrepancies/<uuid:id>/",
        discrepancy_pages.show_discrepancy,
        name="discrepancy",
    ),
    path(
        f"{TENANT_PATH}discrepancies/repairs",
        discrepancy_actions.plan_repairs_view,
        name="repair_plan",
    ),
    path(
        f"{TENANT_PATH}discrepancies/<uuid:id>/<slug:verb>",
        discrepancy_actions.run_discrepancy_action,
        name="discrepancy_do",
    ),
    path(f"{TENANT_PATH}logs/", log_shipping_pages.show_log_shipping, name="log_shipping"),
    path(f"{TENANT_PATH}logs/live", log_shipping_pages.show_log_figures, name="log_figures"),
    path(
        f"{TENANT_PATH}runs/<uuid:id>/certificate.<slug:kind>",
        certificate_pages.download_certificate,
        name="certificate",
    ),
    path(f"{TENANT_PATH}operations/plan", operation_pages.plan_operation_view, name="plan"),
    path(f"{TENANT_PATH}operations/<uuid:id>/", operation_pages.show_operation, name="operation"),
    path(
        f"{TENANT_PATH}operations/<uuid:id>/live",
        operation_pages.show_operation_status,
        name="operation_live",
    ),
    path(
        f"{TENANT_PATH}operations/<uuid:id>/<slug:verb>",
        operation_pages.run_operation_action,
        name="operation_do",
    ),
]
