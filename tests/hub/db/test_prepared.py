"""Questions that are compiled once, with other arguments each time, on both databases."""

from datetime import timedelta

import pytest

from hub.connections.models import Lane
from hub.db.prepared import PreparedQuery
from tests.factories import NOON

pytestmark = pytest.mark.django_db
DUE = PreparedQuery(
    lambda *, now, ids: Lane.unscoped.filter(due_at__lte=now, connection__id__any_of=ids).order_by(
        "pk"
    )
)


def test_each_call_has_its_own_arguments(make):
    lanes = [make.connection().lane for _ in range(3)]
    for hours, lane in enumerate(lanes):
        Lane.unscoped.filter(pk=lane.pk).update(due_at=NOON + timedelta(hours=hours))
    every = [lane.pk for lane in lanes]
    assert [lane.pk for lane in DUE.fetch_models(now=NOON, ids=every)] == every[:1]
    assert [
        lane.pk for lane in DUE.fetch_models(now=NOON + timedelta(hours=1), ids=every)
    ] == every[:2]
    assert [
        lane.pk for lane in DUE.fetch_models(now=NOON + timedelta(hours=2), ids=every[1:])
    ] == every[1:]
    assert DUE.fetch_models(now=NOON, ids=[]) == []


def test_a_model_is_as_the_orm_reads_it(make):
    lane = make.connection().lane
    Lane.unscoped.filter(pk=lane.pk).update(due_at=NOON)
    lane.refresh_from_db()
    (model,) = DUE.fetch_models(now=NOON, ids=[lane.pk])
    names = [field.attname for field in Lane._meta.concrete_fields]
    assert [getattr(model, name) for name in names] == [getattr(lane, name) for name in names]
