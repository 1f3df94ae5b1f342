"""Published clients of Splunk's HTTP Event Collector send to the simulated one."""

import json
import logging

import pytest
import splunk_handler
from splunk_hec_handler import SplunkHecHandler

TOKEN = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def quiet_loggers():
    """The handler takes loggers of others from their parents, and stays in a list for the exit."""
    loggers = [logging.getLogger(name) for name in ("requests", "urllib3", "splunk_handler")]
    before = [logger.propagate for logger in loggers]
    yield
    for logger, propagate in zip(loggers, before, strict=True):
        logger.propagate = propagate
    splunk_handler.instances.clear()


def record(message, level=logging.INFO):
    return logging.LogRecord("orders", level, __file__, 1, message, (), None)


def events(desk):
    """What the stack took: status and envelopes of each request."""
    decoder, taken = json.JSONDecoder(), []
    for line in desk.ledger():
        body, envelopes = line["body"].strip(), []
        while body:
            envelope, end = decoder.raw_decode(body)
            envelopes.append(envelope)
            body = body[end:].strip()
        taken.append((line["status"], [envelope["event"] for envelope in envelopes]))
    return taken


def test_splunk_handler_sends_what_was_logged_in_one_batch(desk, quiet_loggers):
    url = f"{desk.url}/splunk/acme/services/collector/event"
    options = {
        "url": url,
        "protocol": "http",
        "verify": False,
        "flush_interval": 0,
        "retry_count": 0,
    }
    handler = splunk_handler.SplunkHandler(
        "127.0.0.1", 0, TOKEN, "orders", hostname="shop", **options
    )
    handler.emit(record("A-1001 placed"))
    handler.emit(record("A-1002 placed"))
    handler.shutdown()
    sent = [event for status, events_of_request in events(desk) for event in events_of_request]
    assert sent == ["A-1001 placed", "A-1002 placed"]
    assert {status for status, _ in events(desk)} == {200}


def test_splunk_hec_handler_sends_objects(desk):
    class AtTheSandbox(SplunkHecHandler):
        URL_PATTERN = f"{desk.url}/splunk/acme/services/collector/{{3}}"

    host, _, port = desk.url.removeprefix("http://").partition(":")
    handler = AtTheSandbox(host, TOKEN, port=port, proto="http", index="orders", hostname="shop")
    handler.emit(record({"number": "A-1001"}))
    handler.r.close()
    assert events(desk) == [(200, [{"log_level": "INFO", "number": "A-1001"}])]
