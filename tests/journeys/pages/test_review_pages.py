"""The pages of discrepancies and log shipping in a real browser, of staff and of customers: axe
objects to nothing, nothing is too wide, and nothing breaks.
"""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.scheduled.models import LogPosition
from hub.scheduled.repairs.discrepancy_actions import plan_repairs
from tests.hub.scheduled.logs import entries, store_lines
from tests.journeys.axe import WCAG, assert_accessible
from tests.scheduled_factories import RESULT

pytestmark = [pytest.mark.desk, pytest.mark.django_db]

LONG = "Grüße aus Köln, " * 40
STOPPED = {"state": "stopped", "changes": 740, "limits": {"share": 0.1, "count": 500}}


KINDS = [
    {"local_value": "shipped", "remote_value": "Paid"},
    {"field": "note", "local_value": LONG + "A" + LONG, "remote_value": LONG + "B" + LONG},
    {"field": "total", "local_value": "12.50", "remote_value": 12.5, "owner": "report"},
    {"field": "note", "local_value": None, "remote_value": "", "state": "open"},
    {"field": "city", "local_value": "Köln", "remote_value": "Köln ", "state": "open"},
    {"verdict": "missing_there", "field": "", "local_value": {"state": "paid", "total": 12.5}},
    {"verdict": "ambiguous", "field": "", "reason": "duplicate_key"},
    {"state": "ignored", "ignored_reason": "A test order."},
]


@pytest.fixture
def acme(make):
    return make.tenant("acme", name="Acme Teas", time_zone="Europe/Berlin")


@pytest.fixture
def found(make, acme):
    """Discrepancies of each kind, nights of a job, a stopped run, and logs that are late."""
    now = clock()
    pipedrive = make.connection(acme, "pipedrive", secret={}, name="Acme's Pipedrive")
    salesforce = make.connection(acme, "salesforce", name="Acme's Salesforce")
    job = make.job(acme, name="Orders with Salesforce")
    make.job(acme, connector="pipedrive", name="People with Pipedrive")
    for night in range(9):
        verdicts = {"differs": 3 * night % 8, "missing_there": night % 3, "ambiguous": night % 2}
        result = RESULT | {"verdicts": verdicts, "equal": 10_000 - sum(verdicts.values())}
        at = now - timedelta(days=9 - night)
        run = make.finished_run(job, at=at, result=result | {"repairs": STOPPED})
    rows = [make.discrepancy(salesforce, job=job, run=run, now=now, **kind) for kind in KINDS]
    rows.append(
        make.discrepancy(
            salesforce,
            job=job,
            run=run,
            state="repairing",
            repair_side="remote",
            replaced_value="Paid",
            repair_delivery=make.delivery(salesforce),
        )
    )
    rows.append(make.discrepancy(pipedrive, job=make.job(acme, connector="pipedrive"), now=now))
    make.connection(acme, "splunk", name="Acme's Splunk")
    shipping = make.job(acme, kind="ship", connector="splunk", name="Logs")
    make.finished_run(shipping, at=now - timedelta(hours=1), result={}, done_count=5_000)
    make.run(shipping, at=now, state="failed", reason="log_lines_refused", detail="index missing")
    store_lines(acme, *entries(30), now=now - timedelta(hours=2))
    operation = plan_repairs(
        {"job": str(job.public_id)},
        ActorContext.system(),
        tenant=acme,
        reason="our application is right",
        now=now,
    )
    return job, run, rows, operation


def customer_pages(job, run, rows, operation):
    here = "/t/acme/discrepancies/"
    yield from (here, f"{here}?job={job.public_id}", f"{here}?state=resolved")
    yield from (f"{here}{row.public_id}/" for row in rows)
    yield from (f"{here}repairs?job={job.public_id}", f"{here}repairs")
    yield f"/t/acme/operations/{operation.public_id}/"
    yield f"/t/acme/runs/{run.public_id}/"
    yield "/t/acme/logs/"


def staff_pages(job, run, rows, operation):
    here = reverse("admin:scheduled_discrepancy_changelist")
    yield from (here, f"{here}?job={job.public_id}&tenant=acme")
    for row in rows:
        yield reverse("admin:scheduled_discrepancy_change", args=[row.pk])
    for verb in ("repair", "ignore"):
        yield reverse("admin:scheduled_discrepancy_verb", args=[rows[0].pk, verb])
    yield f"{reverse('admin:scheduled_discrepancy_plan')}?job={job.public_id}&tenant=acme"
    yield reverse("admin:operations_operation_change", args=[operation.pk])
    yield reverse("admin:scheduled_run_change", args=[run.pk])
    yield reverse("admin:scheduled_logposition_changelist")
    for position in LogPosition.unscoped.all():
        yield reverse("admin:scheduled_logposition_change", args=[position.pk])


def test_customers_see_what_differs(browser, make, acme, found):
    client = Client()
    client.force_login(make.membership(acme, make.user(name="Ann"), role="owner").user)
    assert_accessible(browser, client, *customer_pages(*found))


def test_staff_see_what_differs(browser, make, found):
    client = Client()
    client.force_login(make.staff(is_superuser=True))
    assert_accessible(browser, client, *staff_pages(*found), rules=WCAG)
