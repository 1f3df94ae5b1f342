"""A NUL in an address or a form, which PostgreSQL refuses in a query, is never an error of ours."""

import pytest

pytestmark = pytest.mark.django_db

NUL = "\0"
QUERIES = (
    "search/?q=%00",
    "connections/{id}/identities/?q=%00",
    "connections/{id}/identities/?after=%00",
    "connections/{id}/identities/say/?kind=user&local_id=%00",
    "connections/{id}/identities/remove/?kind=%00&local_id=%00",
    "connections/{id}/identities/review/?q=%00&queue=suggested",
    "connections/{id}/identities/review/?after=%00&queue=suggested",
    "connections/{id}/identities/review/?queue=%00",
    "connections/{id}/schema/?object=%00&state=%00&after=%00",
    "integrations/?q=%00",
    "integrations/new/order_to_slack/?slack=%00",
    "mappings/?after=%00",
    "mappings/{mapping}/versions/?before=%00",
    "mappings/{mapping}/edit?view=%00",
    "changes/?period=%00",
    "settings/support/?after=%00",
)
FORMS = {
    "connections/{id}/identities/review/confirm": {"selected": NUL, f"choice:{NUL}": NUL},
    "connections/{id}/identities/review/ignore": {"selected": f"u{NUL}"},
    "connections/{id}/identities/review/keep": {"selected": f"u{NUL}"},
    "connections/{id}/identities/review/reopen": {"selected": f"u{NUL}"},
    "connections/{id}/identities/fallbacks/remove": {"kind": NUL, "direction": NUL},
    "mappings/{mapping}/copy": {"name": f"n{NUL}", "routes": NUL},
    "mappings/{mapping}/edit": {
        "do": "save",
        "name": f"n{NUL}",
        "view": "json",
        "body": '{"a": "type"}',
        "event": NUL,
    },
    "mappings/{mapping}/restore": {"version": NUL},
    "integrations/new/order_to_slack/": {"channel_other": NUL, "on": "1"},
}


@pytest.fixture
def fill(make, acme):
    connection = make.connection(acme, "slack", secret={"access_token": "x"}, account="T1")
    mapping = make.mapping(acme, "slack", "post_message", {"channel": "'C1'", "text": "type"})

    def fill(path):
        ids = {"id": connection.public_id, "mapping": mapping.public_id}
        return f"/t/acme/{path.format(**ids)}"

    return fill


@pytest.mark.parametrize("path", QUERIES)
def test_a_query_with_a_nul_finds_nothing(admin, fill, path):
    assert admin.get(fill(path)).status_code in (200, 302, 404)


@pytest.mark.parametrize("path", FORMS)
def test_a_form_with_a_nul_is_refused_in_words(admin, fill, path):
    assert admin.post(fill(path), FORMS[path]).status_code in (200, 302, 404)
