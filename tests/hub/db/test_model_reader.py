"""Rows of several models, read by one statement, on both databases."""

import pytest

from hub.connections.models import Connection
from hub.db.model_reader import read_models, select_columns
from tenants.models import Tenant

pytestmark = pytest.mark.django_db


def test_rows_are_read_as_the_orm_would(make):
    connection = make.connection()
    statement = """
        SELECT {connection}, {tenant}, c.name FROM connections_connection c
        LEFT JOIN tenants_tenant t ON t.id = c.tenant_id WHERE c.id = %s"""
    statement = statement.format(
        connection=select_columns(Connection, "c"),
        tenant=select_columns(Tenant, "t"),
    )
    ((read, tenant, name),) = read_models(statement, [connection.pk], Connection, Tenant)
    for row in (read, tenant):
        kept = type(row)._base_manager.get(pk=row.pk)
        assert {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields} == {
            f.attname: getattr(kept, f.attname) for f in row._meta.concrete_fields
        }
    assert name == connection.name


def test_what_an_outer_join_did_not_find_is_none(make):
    columns = ", ".join((select_columns(Connection, "c"), select_columns(Tenant, "t")))
    statement = f"""
        SELECT {columns} FROM connections_connection c
        LEFT JOIN tenants_tenant t ON t.id = -c.id"""
    make.connection()
    ((_, tenant),) = read_models(statement, [], Connection, Tenant)
    assert tenant is None
