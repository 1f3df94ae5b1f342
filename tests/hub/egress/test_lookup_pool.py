"""Names are looked up by few threads, which all tenants share."""

import asyncio
import threading
from concurrent.futures import wait

import pytest
import uvloop

from connectors.http import Request
from hub.egress import EgressRules, RequestNotSent, lookups_for_tenant
from hub.egress.async_client import open_async_client
from hub.egress.lookup_pool import LookupPool
from tests.hub.egress.conftest import NOON

PUBLIC = "93.184.216.34"


@pytest.fixture
def slow():
    """A name server that answers when the test is over."""
    answers = threading.Event()
    asked = []

    def lookup(name):
        if name.startswith("slow"):
            asked.append(name)
            answers.wait(10)
        return [PUBLIC]

    lookup.asked = asked
    yield lookup
    answers.set()


def test_slow_names_of_one_tenant_delay_no_other(slow):
    pool = LookupPool()
    with lookups_for_tenant("hostile"):
        late = [pool.submit(slow, f"slow{number}.test") for number in range(200)]
    with lookups_for_tenant("acme"):
        quick = [pool.submit(slow, f"name{number}.test") for number in range(50)]
    assert not wait(quick, timeout=5).not_done
    assert len(slow.asked) == pool.max_per_tenant and not any(future.done() for future in late)


def test_slow_names_of_eight_tenants_delay_no_other(slow):
    pool = LookupPool()
    for tenant in range(8):
        with lookups_for_tenant(f"hostile-{tenant}"):
            for number in range(50):
                pool.submit(slow, f"slow{number}.test")
    with lookups_for_tenant("acme"):
        quick = [pool.submit(slow, f"name{number}.test") for number in range(50)]
    assert not wait(quick, timeout=5).not_done
    assert {pool.running[f"hostile-{tenant}"] for tenant in range(5)} == {pool.max_per_tenant}


def test_what_waits_goes_when_a_thread_is_free():
    pool, gate = LookupPool(threads=1), threading.Event()
    with lookups_for_tenant("acme"):
        futures = [
            pool.submit(lambda name: [name, gate.wait(10)], name) for name in ("a", "b", "c")
        ]
    gate.set()
    assert [future.result(5)[0] for future in futures] == ["a", "b", "c"]
    assert not pool.waiting


def test_an_abandoned_lookup_is_not_started(slow):
    pool = LookupPool(max_per_tenant=1)
    with lookups_for_tenant("acme"):
        pool.submit(slow, "slow.test")
        waiting = pool.submit(slow, "slow-too.test")
    assert waiting.cancel()
    pool.submit(slow, "name.test").result(5)
    assert slow.asked == ["slow.test"]


def test_a_lookup_that_fails_leaves_its_thread_to_others():
    def fails(name):
        raise OSError(name)

    pool = LookupPool(threads=1, max_per_tenant=1)
    with lookups_for_tenant("acme"):
        failed = pool.submit(fails, "a.test")
        assert isinstance(failed.exception(5), OSError)
        assert pool.submit(lambda name: [name], "b.test").result(5) == ["b.test"]


def test_calls_of_a_tenant_with_slow_names_delay_no_other_call(slow):
    """By the way of deliveries: a hundred calls wait for their names, and the call of another does
    not.
    """
    refused = lambda name: slow(name) and ["127.0.0.1"]  # noqa: E731 - an address that is refused, so nothing is sent

    async def sent(send, tenant, host):
        with lookups_for_tenant(tenant):
            return await send(Request("POST", f"https://{host}/", json={}))

    async def main():
        async with open_async_client(
            EgressRules(), clock=lambda: NOON, timeout=8, lookup=refused
        ) as send:
            late = [
                asyncio.create_task(sent(send, "hostile", f"slow{number}.example.com"))
                for number in range(100)
            ]
            await asyncio.sleep(0)
            with pytest.raises(RequestNotSent) as answer:
                await asyncio.wait_for(sent(send, "acme", "name.example.com"), 1)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            return answer.value.reason

    assert uvloop.run(main()) == "egress_refused"
