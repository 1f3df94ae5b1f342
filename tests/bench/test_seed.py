"""The rows of one bench are gone when the next of its suite begins."""

from bench import seed
from hub.connections.models import Connection, Lane
from hub.processes.loop_slots import LoopSlot
from tenants.models import Tenant


def test_a_bench_begins_with_empty_tables_on_each_database(transactional_db):
    seed.connections(3, "https://sink.test", tenants=2)
    LoopSlot.objects.create(kind="pump", number=0)
    seed.empty()
    assert not LoopSlot.objects.exists()
    assert not (Tenant.objects.exists() or Connection.unscoped.exists() or Lane.unscoped.exists())
    (row,) = seed.connections(1, "https://sink.test")
    assert seed.tenant_of(row).reference == "bench-0"
