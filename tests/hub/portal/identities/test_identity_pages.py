"""Customers import and export identities, and set what happens to records without one."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from hub.mappings.models import Identity, IdentityFallback
from tests.markup import normalize_markup

pytestmark = pytest.mark.django_db


@pytest.fixture
def slack(make, acme):
    return make.connection(acme, "slack", secret={"access_token": "x"}, account="T1")


def url_of(connection, rest):
    return f"/t/acme/connections/{connection.public_id}/identities/{rest}"


def text_of(answer):
    return normalize_markup(answer.content.decode())


def upload(client, connection, text):
    file = SimpleUploadedFile("pairs.csv", text.encode(), "text/csv")
    return client.post(url_of(connection, "import/"), {"file": file})


def test_a_file_is_planned_then_imported(admin, slack):
    plan = upload(admin, slack, "kind,local_id,remote_id\r\nuser,u-1,U01AAAAAA\r\n")
    assert "<dt>New pairs</dt><dd>1</dd>" in text_of(plan)
    assert not Identity.unscoped.exists()
    initial = plan.context["form"].initial
    crlf = {**initial, "text": initial["text"].replace("\n", "\r\n")}
    answer = admin.post(url_of(slack, "import/"), crlf, follow=True)
    assert "1 pair was saved" in text_of(answer)
    assert Identity.confirmed().get().remote_id == "U01AAAAAA"


def test_a_plan_with_a_problem_cannot_be_imported(admin, slack):
    plan = upload(admin, slack, "kind,local_id,remote_id\nuser,,U01AAAAAA")
    assert "local_id is empty" in text_of(plan)
    assert ">Import<" not in plan.content.decode()


def test_the_plan_is_shown_again_if_it_has_changed(admin, make, slack):
    initial = upload(admin, slack, "kind,local_id,remote_id\nuser,u-1,U01AAAAAA").context["form"]
    make.identity(slack, "user", "u-1", "U01BBBBBB")
    answer = admin.post(url_of(slack, "import/"), initial.initial)
    assert "This is the new plan" in text_of(answer)
    assert "<dt>Changed pairs</dt><dd>1</dd>" in text_of(answer)


@pytest.mark.parametrize("data", [{}, {"digest": "x"}, {"digest": "x", "text": "a"}])
def test_an_import_without_its_file_says_what_to_do(admin, slack, data):
    answer = admin.post(url_of(slack, "import/"), data)
    assert answer.status_code == 200
    assert not Identity.unscoped.exists()


def test_the_pairs_are_downloaded(admin, make, slack):
    make.identity(slack, "user", "u-1", "U01AAAAAA", name="Ann")
    answer = admin.get(url_of(slack, "export.csv"))
    assert answer.headers["Content-Type"] == "text/csv"
    assert b'"user","u-1","U01AAAAAA","Ann"' in b"".join(answer.streaming_content)


def test_a_fallback_is_set_shown_and_removed(admin, slack):
    wish = {"direction": "out", "kind": "user", "choice": "default", "default_id": "U01DDDDDD"}
    answer = admin.post(url_of(slack, "fallbacks/"), wish, follow=True)
    assert "Use a default record: U01DDDDDD" in text_of(answer)
    key = {"kind": "user", "direction": "out"}
    answer = admin.post(url_of(slack, "fallbacks/remove"), key, follow=True)
    assert "No fallback has been set" in text_of(answer)
    assert not IdentityFallback.unscoped.exists()


def test_an_error_stands_at_its_field(admin, slack):
    wish = {"direction": "out", "kind": "user", "choice": "skip"}
    answer = admin.post(url_of(slack, "fallbacks/"), wish)
    assert answer.context["form"].errors == {"explanation": ["Enter why it is skipped."]}
