"""What `check --deploy` refuses."""

import pytest
from django.core import checks


def errors_of_a_deployment():
    messages = checks.run_checks(tags=[checks.Tags.security], include_deployment_checks=True)
    return {entry.id: entry.msg for entry in messages if entry.level >= checks.ERROR}


@pytest.mark.django_db
def test_an_exception_from_the_guard_is_refused_for_production(settings):
    settings.HUB_EGRESS_ALLOW = ["169.254.169.254:80"]
    assert "169.254.169.254:80" in errors_of_a_deployment()["hub.E004"]


@pytest.mark.django_db
def test_without_exceptions_nothing_is_refused(settings):
    settings.HUB_EGRESS_ALLOW = []
    assert "hub.E004" not in errors_of_a_deployment()
