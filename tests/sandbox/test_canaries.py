"""What the hub changes to prove its webhooks, sent to the simulated systems."""

import pytest

from connectors.registry import CONNECTORS
from connectors.webhook_sources import GONE
from tests.sandbox.test_connectors import key_for, send

CASES = [
    (system, object)
    for system in ("pipedrive", "salesforce")
    for object in CONNECTORS[system].webhook_source.canaries
]


@pytest.mark.parametrize(("system", "object"), CASES)
def test_a_record_is_made_changed_and_deleted(desk, system, object):
    canary, credential = CONNECTORS[system].webhook_source.canaries[object], key_for(desk, system)

    def write(record, mark):
        return canary.parse_write(send(canary.write_request(credential, record, mark)), record)

    record = write("", "Integration Hub check 1")
    assert isinstance(record, str) and record != GONE
    assert write(record, "Integration Hub check 2") == record
    removal = canary.removal_request(credential, record)
    assert canary.parse_removal(send(removal)) == GONE
    assert write(record, "Integration Hub check 3") == GONE
    assert canary.parse_removal(send(removal)) == GONE
