"""Bodies keep the order in which they were written, on a database that keeps no order of keys."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.audit import ActorContext
from hub.mappings.body_order import list_leaf_paths, sort_by_inputs, sort_by_paths
from hub.mappings.mapping_actions import change_mapping, copy_mapping, restore_mapping_version
from hub.mappings.models import MappingVersion
from hub.mappings.rows import rows_of_body
from tests.factories import NOON

# PostgreSQL would sort it as object, fields, external_id, external_id_field
BODY = {
    "object": "'Order__c'",
    "external_id_field": "'Number__c'",
    "external_id": "data.number",
    "fields": {"Total__c": "data.total", "Name": "data.name", "Customer__c": "data.customer"},
}
NAMES = ["object", "external_id_field", "external_id"]
SYSTEM = ActorContext.system()

leaves = st.text(max_size=3) | st.integers() | st.none()
names = st.text(alphabet="abc._", min_size=1, max_size=4)
nodes = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
bodies = st.dictionaries(names, nodes, max_size=5)


def sort_like_postgresql(node):
    """The node as PostgreSQL stores it: shorter names first."""
    if isinstance(node, dict):
        names = sorted(node, key=lambda name: (len(name.encode()), name))
        return {name: sort_like_postgresql(node[name]) for name in names}
    return [sort_like_postgresql(child) for child in node] if isinstance(node, list) else node


@given(bodies)
def test_a_body_has_its_order_again_whatever_a_database_makes_of_it(body):
    paths = json.loads(json.dumps(list_leaf_paths(body)))
    assert json.dumps(sort_by_paths(sort_like_postgresql(body), paths)) == json.dumps(body)


@given(bodies, bodies)
def test_paths_of_another_body_lose_nothing(body, other):
    assert sort_by_paths(body, list_leaf_paths(other)) == body
    assert sort_by_inputs(body, ()) == body


@pytest.fixture
def mapping(make):
    return make.mapping(make.tenant("acme"), "salesforce", "upsert", BODY)


def paths_of(version):
    return [row.path for row in rows_of_body(version.ordered_body)]


WRITTEN = [*NAMES, "fields.Total__c", "fields.Name", "fields.Customer__c"]


@pytest.mark.django_db
def test_a_stored_version_has_the_order_in_which_it_was_written(mapping):
    version = MappingVersion.unscoped.get()
    assert paths_of(version) == WRITTEN
    assert json.dumps(version.ordered_body) == json.dumps(BODY)


@pytest.mark.django_db
def test_a_version_of_unknown_order_has_required_fields_first_and_then_names(mapping):
    MappingVersion.unscoped.update(field_order=None)
    fields = [f"fields.{name}" for name in ("Customer__c", "Name", "Total__c")]
    assert paths_of(mapping.current) == ["object", "external_id_field", "external_id", *fields]


@pytest.mark.django_db
def test_an_action_of_another_release_has_an_order_too(mapping):
    MappingVersion.unscoped.update(field_order=None)
    mapping.action = "gone"
    mapping.save()
    assert list(mapping.current.ordered_body) == sorted(BODY)


@pytest.mark.django_db
def test_a_restored_and_a_copied_version_keep_the_order(make, mapping):
    first = mapping.current
    change_mapping(mapping, SYSTEM, body={"object": "'Lead'", "fields": {}}, now=NOON)
    restored = restore_mapping_version(mapping, first, SYSTEM, now=NOON)
    restored.refresh_from_db()
    assert (restored.number, paths_of(restored)) == (3, WRITTEN)
    copied = copy_mapping(mapping, mapping.tenant, "copy", SYSTEM, now=NOON)
    assert paths_of(copied.current) == WRITTEN


@pytest.mark.django_db
def test_another_order_of_the_same_body_is_kept_and_is_no_other_version(mapping):
    other = dict(reversed(BODY.items()))
    change_mapping(mapping, SYSTEM, body=other, now=NOON)
    assert (mapping.versions.count(), list(mapping.current.ordered_body)) == (1, list(other))
    assert mapping.current.body == BODY


@pytest.mark.django_db
def test_rest_shows_the_order(api, mapping):
    shop = api.of(mapping.tenant, scopes=("mappings:read",))
    document = shop.get(f"/api/v1/mappings/{mapping.public_id}").json()["body"]
    assert (list(document), list(document["fields"])) == (list(BODY), list(BODY["fields"]))
    (version,) = shop.get(f"/api/v1/mappings/{mapping.public_id}/versions").json()["items"]
    assert list(version["body"]) == list(BODY)
