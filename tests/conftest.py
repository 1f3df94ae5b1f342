"""What every test may ask for."""

import gc
import json
import math
import unittest
from collections import Counter
from functools import cache

import hypothesis
import pytest

TRANSACTIONAL_FIXTURES = {"transactional_db", "django_db_serialized_rollback"}
DATABASE_FIXTURES = {"db", *TRANSACTIONAL_FIXTURES}
# Tests of pages, forms and REST, and of packages without a statement of one vendor, a claim or a
# group commit: what they call has tests of its own on each database. Those among them that need
# real transactions, such as races, run on each all the same.
# Not on SQLite, which is faster by a third: it takes wrong types and GROUP BY, and goes on in a
# transaction after an error.
ON_ONE_DATABASE = (
    "tests/connectors/",
    "tests/hub/api_docs/",
    "tests/hub/connections/actions/",
    "tests/hub/connections/admin/",
    "tests/hub/connections/api/",
    "tests/hub/connections/authorize_attacks/",
    "tests/hub/connections/connecting/",
    "tests/hub/connections/status/",
    "tests/hub/console/",
    "tests/hub/drift/",
    "tests/hub/forecast/",
    "tests/hub/identities/",
    "tests/hub/incoming/endpoints/",
    "tests/hub/incoming/registration/",
    "tests/hub/mail/",
    "tests/hub/mappings/",
    "tests/hub/notices/",
    "tests/hub/outgoing/admin/",
    "tests/hub/outgoing/api/",
    "tests/hub/outgoing/echo/",
    "tests/hub/outgoing/insight/",
    "tests/hub/outgoing/operations/",
    "tests/hub/outgoing/subscriptions/",
    "tests/hub/portal/",
    "tests/hub/recipes/",
    "tests/hub/scheduled/api/",
    "tests/hub/scheduled/insight/",
    "tests/hub/scheduled/night/",
    "tests/hub/scheduled/pages/",
    "tests/hub/scheduled/reading/",
    "tests/hub/scheduled/repairs/",
    "tests/hub/scheduled/reports/",
    "tests/hub/scheduled/sync/",
    "tests/hub/schemas/",
    "tests/hub/staff/",
    "tests/hub/test_settings.py",
    "tests/hub/test_templates.py",
    "tests/tenant_isolation/",
    "tests/tenants/",
    "tests/translations/",
)

# The collector would traverse all modules, models and tests again and again: a third of all time.
gc.set_threshold(100_000, 20, 20)

hypothesis.settings.register_profile(
    "hub", deadline=None
)  # how long a case takes is not what it is about
hypothesis.settings.load_profile("hub")


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable():
    """xdist cannot carry a lone surrogate, which our hostile inputs log: it would end the whole
    run.
    """
    report = yield
    return json.loads(json.dumps(report, ensure_ascii=False).encode(errors="replace"))


def pytest_addoption(parser):
    parser.addoption(
        "--on-database",
        choices=CHOSEN,
        help="sqlite: leave out what one database shows; postgresql: what uses none",
    )


def pytest_collection_modifyitems(config, items):
    if is_chosen := CHOSEN.get(config.getoption("--on-database")):
        config.hook.pytest_deselected(items=[item for item in items if not is_chosen(item)])
        items[:] = [item for item in items if is_chosen(item)]
    sort_longest_first(items)


def sort_longest_first(items):
    """What may take longest begins first, so that none is left to run alone at the end: a test with
    a limit of its own, or all tests of a group, which run one after another.
    """
    seconds = Counter()
    for item in items:
        limit = item.get_closest_marker("timeout")
        seconds[unit_of(item)] += limit.args[0] if limit else 0
    items.sort(key=lambda item: seconds[unit_of(item)], reverse=True)


def unit_of(item):
    """Return what is given out to one process: a group, or a test by itself."""
    group = item.get_closest_marker("xdist_group")
    return group.args[0] if group else item.nodeid


def pytest_collection_finish():
    """Whatever exists now exists until the end: the collector leaves it out."""
    gc.collect()
    gc.freeze()


def needs_one_database(item):
    """Whether PostgreSQL alone shows it: it is marked with `one_database`, or tests a package of
    ON_ONE_DATABASE and needs no real transactions.
    """
    if item.get_closest_marker("one_database") is not None:
        return True
    is_on_one = item.nodeid.startswith(ON_ONE_DATABASE)
    return is_on_one and uses_database(item) and not uses_transactions(item)


def uses_transactions(item):
    mark = item.get_closest_marker("django_db")
    return not TRANSACTIONAL_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())) or bool(
        mark and mark.kwargs.get("transaction")
    )


def uses_database(item):
    """By a fixture or a mark of pytest-django, by a TestCase, or by a process that it starts."""
    return (
        not DATABASE_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))
        or item.get_closest_marker("django_db") is not None
        or issubclass(getattr(item, "cls", None) or object, unittest.TestCase)
        or starts_processes(item.path)
    )


@cache
def starts_processes(path):
    """Whether the tests of a file may start a process with a database."""
    text = path.read_text()
    return "DATABASE_URL" in text or "subprocess" in text


CHOSEN = {"sqlite": lambda item: not needs_one_database(item), "postgresql": uses_database}


@pytest.fixture(autouse=True)
def unshared_health_checks():
    """The probes share a reading for a second; none is left of the test before."""
    from hub.health import probes  # Django is ready by now

    probes.READINESS.latest = probes.HEALTH.latest = None


@pytest.fixture
def make(db):
    """Rows with sensible contents: `make.tenant()`, `make.connection()`, `make.delivery()`, ..."""
    from hub.db.clock import clock  # Django is ready by now
    from tests.factories import Factories

    clock.synchronize()
    clock.synchronize_every = (
        math.inf
    )  # no statement that a test counts is the clock's, however slow it is
    return Factories()


@pytest.fixture
def api(make):
    """A client of the REST API: `api(key)` sends that key; `api.platform()` and `api.of(tenant)`
    make one.
    """
    from tests.clients import Api

    return Api(make)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings):
    """The test database is a copy of an earlier one, where the migrations are the same."""
    from tests import migrated_databases

    with migrated_databases.prepared():
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """SQLite's tables are emptied by DELETE after a transactional test, which the audit's guard
    would refuse.
    """
    from django.db import connection
    from django.test import TransactionTestCase

    from tests import emptied_tables, migrated_databases

    with django_db_blocker.unblock():
        migrated_databases.store()
    if connection.vendor == "sqlite":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER IF EXISTS hub_audit_is_not_deleted")
    with django_db_blocker.unblock():
        emptier = emptied_tables.TableEmptier()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda test: emptier.empty())
        yield


@pytest.fixture(scope="session")
def postgresql_server():
    """The address of a server as in production, on which processes of tests have databases,
    whatever database the tests themselves use; it starts for the first of them.
    """
    from bench.installation import postgres

    with postgres.server(postgres.DURABLE) as url:
        yield url


@pytest.fixture(scope="session", autouse=True)
def quick_passwords():
    """What is slow on purpose is not what these tests are about."""
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session", autouse=True)
def static_files_on_demand():
    """Every client makes a handler of its own, which would look at all static files at once."""
    from django.conf import settings

    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(scope="session", autouse=True)
def signed_in_by_force():
    """`client.force_login()` stands for the whole sign-in: password and second factor."""
    from allauth.account.internal.flows.login import record_authentication
    from django.contrib.auth.signals import user_logged_in

    from hub.staff.mfa_gate import mark_mfa_passed

    def came_in(sender, request, user, **fields):
        if not request.path:  # no page was asked for it
            mark_mfa_passed(request, user)
            if user.is_staff:
                record_authentication(request, user, "mfa", reauthenticated=True)

    user_logged_in.connect(came_in, weak=False)
