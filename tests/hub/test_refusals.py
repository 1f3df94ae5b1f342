"""Every refusal belongs to one family, which each door shows with the same sentence."""

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest
from django.test import Client

import hub
import tenants
from hub.problems import CATALOGUE, Refusal
from tests.factories import NOON
from tests.hub.scheduled.run_helpers import job_of, run_of
from tests.tenants.door import sign_in

DOORS = ("api", "admin", "views", "pages")
# what a door adds to a refusal: which event of a batch, who must answer, the URL of what exists
TRANSLATED_AT_A_DOOR = {
    "hub/outgoing/api/intake.py: EventConflict",
    "hub/recipes/admin.py: InvalidAnswers",
    "hub/recipes/api/integrations.py: IntegrationExists",
}


def list_families(base):
    for family in base.__subclasses__():
        yield family
        yield from list_families(family)


def import_all():
    for package in (hub, tenants):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.startswith(("hub.asgi", "hub.settings", "hub.urls")):
                importlib.import_module(module.name)


def find_classes():
    for folder in ("hub", "tenants"):
        for path in Path(folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef):
                    yield node.name, [ast.unparse(base) for base in node.bases]


def find_translations():
    """Yield each place of a door that catches a refusal to raise another exception."""
    names = {family.__name__ for family in list_families(Refusal)}
    for folder in ("hub", "tenants"):
        for path in Path(folder).rglob("*.py"):
            if not set(DOORS).intersection((*path.parts, path.stem)):
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ExceptHandler) and node.type:
                    caught = names.intersection(ast.unparse(node.type).replace(".", " ").split())
                    if caught and any(isinstance(step, ast.Raise) for step in ast.walk(node)):
                        yield f"{path}: {', '.join(caught)}"


def test_no_refusal_stands_outside_the_family():
    outside = [
        name
        for name, bases in find_classes()
        if name.endswith(("Refused", "Rejected", "InUse")) and bases == ["Exception"]
    ]
    assert outside == []


def test_every_refusal_has_a_problem_of_the_catalogue():
    import_all()
    families = list(list_families(Refusal))
    assert len(families) > 30
    assert {family.code for family in families} <= set(CATALOGUE)


def test_no_door_translates_a_refusal_of_its_own():
    import_all()
    assert set(find_translations()) == TRANSLATED_AT_A_DOOR


@pytest.fixture
def busy_job(make):
    """A job with a run that has started, so that it cannot be deleted."""
    tenant = make.tenant("acme")
    make.membership(tenant, make.user("ann@acme.test"), "owner")
    job = job_of(make, tenant)
    run_of(make, job, state="blocked", started_at=NOON)
    return job


def test_all_doors_refuse_in_the_same_words(make, busy_job, api):
    sentence = "A run of this job has not ended. Cancel it, or disable the job instead."
    answer = api.of(busy_job.tenant, scopes=("jobs:write",)).delete(
        f"/api/v1/jobs/{busy_job.public_id}"
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong-state")
    assert answer.json()["detail"] == sentence
    member, staff = Client(), Client()
    sign_in(member, "ann@acme.test")
    page = member.post(f"/t/acme/jobs/{busy_job.public_id}/delete", follow=True)
    assert str(list(page.context["messages"])[-1]) == sentence
    staff.force_login(make.staff(is_superuser=True))
    form = staff.post(f"/admin/scheduled/job/{busy_job.pk}/verbs/delete/")
    assert form.context["form"].non_field_errors() == [sentence]
