"""Each page of customers, of staff and of people by themselves: what the real web server needs for
it, 95 times of 100, beside a million deliveries.
"""

import http.client
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence

from bench.checker import percentile
from bench.figures import Bar, Figure
from bench.installation.web import serving
from bench.portal.own_pages import OWN_PAGES, STRANGERS_PAGES
from bench.portal.staff_pages import find_staff_pages
from bench.portal.test_data import (
    FULL,
    QUICK,
    PortalTestData,
    endpoints_of,
    newest_deliveries,
    prepare_test_data,
)
from bench.sink.client import Sink
from bench.suite import Options
from tenants.models import Tenant

DATABASES = ("postgresql",)
LOOKS, QUICK_LOOKS = 60, 2  # at each page, every second one at the large tenant's
WARM = 16
BAR = Bar("<=", 150)
NOT_READ = (403, 405)  # what staff neither add nor delete by hand, or only post to
OTHER_LOOKS = 20  # at each page of staff, each at another row, and of no tenant
PAGES = {
    "connection_test_progress": "connections/{tested}/test/progress/",  # kept for ten minutes
    "home": "",
    "search_for_an_id": "search/?q={delivery}",
    "search_for_a_value": "search/?q={number}",
    "search_for_nothing": "search/?q=nowhere-2-be-found",
    "catalogue": "catalogue/",
    "connection": "connections/{connection}/",
    "connection_made": "connections/{connection}/connected/",
    "connection_reconnect": "connections/{slack}/reconnect/",
    "connection_pause": "connections/{connection}/pause",
    "connection_disable": "connections/{connection}/disable",
    "connection_rename": "connections/{connection}/rename",
    "connection_disconnect": "connections/{connection}/disconnect/",
    "connection_notifications": "connections/{slack}/notifications/",
    "identities": "connections/{connection}/identities/",
    "identities_of_people": "connections/{slack}/identities/",
    "identity_review": "connections/{slack}/identities/review/",
    "identity_review_unmatched": "connections/{slack}/identities/review/?queue=unmatched",
    "identity_import": "connections/{slack}/identities/import/",
    "identity_fallbacks": "connections/{slack}/identities/fallbacks/",
    "identity_choose": "connections/{slack}/identities/say/?kind={kind}&local_id={local_id}",
    "identity_remove": "connections/{slack}/identities/remove/?kind={kind}&local_id={local_id}",
    "connection_schema": "connections/{slack}/schema/",
    "integrations": "integrations/",
    "integration": "integrations/{integration}/",
    "integration_upgrade": "integrations/{outdated}/upgrade/",
    "integration_answers": "integrations/{integration}/answers/",
    "integration_new": "integrations/new/order_to_pipedrive/",
    "changes": "changes/",
    "upcoming": "upcoming/",
    "search": "search/?q={sender_id}",
    "search_a_name": "search/?q=bench",
    "connect": "connect/slack/",
    "connect_fill_in": "connect/webhook/fill-in/",
    "incoming": "events/incoming/",
    "incoming_item": "events/incoming/{item}/",
    "webhooks": "webhooks/",
    "webhooks_failing": "webhooks/?view=failing",
    "webhooks_rejected": "webhooks/?view=rejected",
    "source": "webhooks/sources/{source}/",
    "source_action": "webhooks/sources/{source}/read_missed",
    "gap": "webhooks/gaps/{gap}/",
    "gap_action": "webhooks/gaps/{gap}/cancel",
    "gap_live": "webhooks/gaps/{gap}/live",
    "mappings": "mappings/",
    "mapping": "mappings/{mapping}/",
    "mapping_edit": "mappings/{mapping}/edit",
    "mapping_versions": "mappings/{mapping}/versions/",
    "jobs": "jobs/",
    "job_add": "jobs/add",
    "job": "jobs/{job}/",
    "job_change": "jobs/{job}/change",
    "runs": "runs/",
    "night": "runs/night/",
    "run": "runs/{run}/",
    "discrepancies": "discrepancies/",
    "discrepancies_of_a_job": "discrepancies/?job={job}&state=new",
    "discrepancy": "discrepancies/{discrepancy}/",
    "repairs": "discrepancies/repairs?job={job}",
    "logs": "logs/",
    "operation": "operations/{operation}/",
    "support_visits": "settings/support/",
    "endpoint_add": "endpoints/add",
    "endpoint_events": "endpoints/{endpoint}/events",
    "endpoint_headers": "endpoints/{endpoint}/headers",
    "events": "events/",
    "events_older": "events/?after={delivery}",
    "events_failed": "events/?state=failed",
    "events_held_for_a_reason": "events/?state=held&reason=mapping_failed",
    "events_of_a_day": "events/?span=24h&state=delivered",
    "events_of_a_type": "events/?type=order.paid",
    "events_of_a_connection": "events/?connection={connection}",
    "events_by_an_id": "events/?q={sender_id}",
    "events_holding_a_value": "events/?value=nowhere+to+be+found",
    "events_where": "events/?where=data.customer.name+%3D%3D+%27Bob%27",
    "events_new": "events/new?after={delivery}",
    "event": "events/{event}/",
    "delivery": "deliveries/{delivery}/",
    "endpoints": "endpoints/",
    "endpoint": "endpoints/{endpoint}/",
    "settings": "settings/",
    "members": "members/",
    "member_remove": "members/{membership}/remove",
    "links": "links/",
    "plan": "operations/plan?state=failed",
    "delivery_action": "deliveries/{delivery}/send_again",
    "discrepancy_action": "discrepancies/{discrepancy}/ignore",
    "endpoint_action": "endpoints/{endpoint}/test_event",
    "item_action": "events/incoming/{item}/replay",
    "integration_action": "integrations/{integration}/remove",
    "job_action": "jobs/{job}/delete",
    "mapping_action": "mappings/{mapping}/restore",
    "operation_action": "operations/{operation}/cancel",
    "run_action": "runs/{run}/cancel",
    "delivery_live": "deliveries/{delivery}/live",
    "run_live": "runs/{run}/live",
    "logs_live": "logs/live",
    "operation_live": "operations/{operation}/live",
    "endpoint_match": "endpoints/{endpoint}/match",
    "identity_reads": "connections/{slack}/identities/review/reads",
}

EVERY_ACTION = "the view of every action, measured for other rows"
NO_PAGES = {  # addresses below a tenant that are not measured, each with its reason
    "events/export.<slug:kind>": "a download",
    "connections/<uuid:id>/identities/export.csv": "a download",
    "runs/<uuid:id>/certificate.<slug:kind>": "a download",
    "connections/<uuid:id>/identities/review/<slug:verb>": "it is only posted to",
    "webhooks/<uuid:id>/<slug:verb>": EVERY_ACTION,
    "members/invite": EVERY_ACTION,
    "members/invitations/<uuid:id>/<slug:verb>": EVERY_ACTION,
    "links/<uuid:id>/<slug:verb>": EVERY_ACTION,
    "connections/<uuid:id>/schema/<slug:verb>": EVERY_ACTION,
}


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    counts, looks = (QUICK, QUICK_LOOKS) if options.quick else (FULL, LOOKS)
    stage = prepare_test_data(counts, sink.url + "/ok/{}")
    with serving() as place:
        browser = Browser(place, stage.cookie)
        paths_by_page = addresses(stage, looks)
        for address in itertools.islice(itertools.cycle(paths_by_page["home"]), WARM):
            browser.milliseconds(address)
        for name, paths in paths_by_page.items():
            yield figure_of(browser, f"portal_{name}", paths)
        for name, path in OWN_PAGES.items():
            yield figure_of(browser, f"own_{name}", [path] * min(looks, OTHER_LOOKS))
        browser.close()
        stranger = Browser(place, "")
        for name, path in STRANGERS_PAGES.items():
            yield figure_of(stranger, f"stranger_{name}", [path] * min(looks, OTHER_LOOKS))
        stranger.close()
        staff = Browser(place, stage.staff_cookie)
        for page in find_staff_pages(min(looks, OTHER_LOOKS)):
            # some rows may be deleted by hand, and others not
            figure = figure_of(staff, page.name, page.paths, unread=NOT_READ)
            if figure.value or figure.error:
                yield figure
        staff.close()


def figure_of(
    browser: "Browser", name: str, paths: Sequence[str], *, unread: Sequence[int] = ()
) -> Figure:
    """Return how long a page takes, 0 where each answer has a status of `unread`; a page that is
    not there is a figure with the error.
    """
    try:
        looks = [browser.milliseconds(path, unread=unread) for path in paths]
    except UnexpectedStatus as error:
        return Figure(name, 0, "ms", error=str(error))
    durations = [milliseconds for milliseconds in looks if milliseconds]
    return Figure(name, percentile(durations, 0.95) if durations else 0, "ms", bar=BAR)


def addresses(stage: PortalTestData, looks: int) -> dict[str, list[str]]:
    """By the name of the page, each time with other rows."""
    of_each = [
        rows_of(tenant, features, looks // 2)
        for tenant, features in zip(stage.tenants, stage.features, strict=True)
    ]
    rows = list(itertools.chain.from_iterable(zip(*of_each, strict=True)))
    paths_by_page = {
        name: [f"/t/{row['tenant']}/" + path.format(**row) for row in rows]
        for name, path in PAGES.items()
    }
    return paths_by_page | {
        "confirm": [f"/connect/confirm/{stage.authorization.public_id}/"] * looks
    }


def rows_of(
    tenant: Tenant, features: Mapping[str, object], count: int
) -> Iterator[dict[str, object]]:
    """What addresses name: deliveries of the tenant, each with its event and its connection, its
    endpoints, and a row of each other kind.
    """
    endpoints = itertools.cycle(list(endpoints_of(tenant)))
    deliveries = list(newest_deliveries(tenant, count))
    for delivery in itertools.islice(itertools.cycle(deliveries), count):
        assert delivery.connection is not None, "a bench's route names one"
        yield {
            **features,
            "tenant": tenant.reference,
            "delivery": delivery.public_id,
            "event": delivery.event.public_id,
            "sender_id": delivery.event.sender_id,
            "number": delivery.event.sender_id.removeprefix("order-"),
            "connection": delivery.connection.public_id,
            "endpoint": next(endpoints).public_id,
        }


class UnexpectedStatus(Exception):
    """A page was not there."""


class Browser:
    """One person who looks at one page after another, over one connection."""

    def __init__(self, place: str, cookie: str) -> None:
        self.connection = http.client.HTTPConnection(place, timeout=60)
        self.headers = {"Cookie": cookie} if cookie else {}

    def milliseconds(self, path: str, *, unread: Sequence[int] = ()) -> float:
        """From asking to the last byte; the page must be there, or is not for reading: 0."""
        started = time.perf_counter()
        self.connection.request("GET", path, headers=self.headers)
        answer = self.connection.getresponse()
        answer.read()
        took = (time.perf_counter() - started) * 1000
        if answer.status in unread:
            return 0
        if answer.status != 200:
            raise UnexpectedStatus(f"{path} answered {answer.status}")
        return took

    def close(self) -> None:
        self.connection.close()
