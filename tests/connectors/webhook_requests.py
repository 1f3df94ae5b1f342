"""Webhooks as the systems send them, by connector and case, for the tests of all sources."""

import json
from typing import Any
from urllib.parse import urlencode

from connectors.webhook_request import WebhookRequest

JSON = (("Content-Type", "application/json"),)
FORM = (("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),)
XML = (("Content-Type", "text/xml; charset=UTF-8"), ("SOAPAction", '""'))

MENTION = {
    "token": "XXYYZZ",
    "team_id": "T0000ACME",
    "api_app_id": "A0000APP1",
    "event": {
        "type": "app_mention",
        "user": "U0000ANN1",
        "text": "<@U0000BOT1> where is A-1001?",
        "ts": "1764000000.000100",
        "channel": "C0000GEN1",
        "event_ts": "1764000000.000100",
    },
    "type": "event_callback",
    "event_context": "EC0000CTX1",
    "event_id": "Ev0000EVT1",
    "event_time": 1764000000,
    "authorizations": [
        {
            "enterprise_id": None,
            "team_id": "T0000ACME",
            "user_id": "U0000BOT1",
            "is_bot": True,
            "is_enterprise_install": False,
        }
    ],
    "is_ext_shared_channel": False,
}
DIRECT = {
    "type": "message",
    "channel_type": "im",
    "user": "U0000ANN1",
    "text": "Good morning",
    "ts": "1764000000.000200",
    "channel": "D0000ANN1",
}
COMMAND = {
    "token": "XXYYZZ",
    "team_id": "T0000ACME",
    "channel_id": "C0000GEN1",
    "user_id": "U0000ANN1",
    "command": "/order",
    "text": "A-1001",
    "response_url": "https://hooks.slack.com/commands/T0000ACME/1/abc",
    "trigger_id": "13345224609.738474920.8088930838d88f008e0",
    "api_app_id": "A0000APP1",
    "is_enterprise_install": "false",
}
INTERACTION = {
    "type": "block_actions",
    "team": {"id": "T0000ACME"},
    "user": {"id": "U0000ANN1"},
    "api_app_id": "A0000APP1",
    "channel": {"id": "C0000GEN1"},
    "response_url": "https://hooks.slack.com/actions/T0000ACME/1/abc",
    "trigger_id": "13345224609.738474920.8088930838d88f008e1",
    "actions": [{"action_id": "approve", "value": "A-1001"}],
}
RATE_LIMITED = {
    "token": "XXYYZZ",
    "type": "app_rate_limited",
    "team_id": "T0000ACME",
    "minute_rate_limited": 1764000000,
    "api_app_id": "A0000APP1",
}
CHANGE = {
    "meta": {
        "action": "change",
        "entity": "deal",
        "entity_id": "8",
        "company_id": "701",
        "user_id": "31",
        "id": "6d0b4a5e-7a2b-4c8e-9d53-0d9f3a3a0001",
        "timestamp": "2026-11-24T15:11:55.724Z",
        "version": "2.0",
        "webhook_id": "9001",
        "attempt": 1,
    },
    "data": {"id": 8, "title": "Deal of Acme", "custom_fields": {"a" * 40: {"value": "x"}}},
    "previous": {"title": "Deal", "custom_fields": {"a" * 40: None}},
}
DELETION = {
    "meta": CHANGE["meta"] | {"action": "delete", "entity": "person"},
    "data": None,
    "previous": {"id": 31, "name": "Ann Able"},
}
ALERT = {
    "result": {"sourcetype": "access", "count": "8"},
    "sid": "scheduler__admin__search__RMD5d2b1_at_1764000000_42",
    "results_link": "http://splunk.example:8000/app/search/@go?sid=scheduler__admin",
    "search_name": None,
    "owner": "admin",
    "app": "search",
}
USER_CREATED = {
    "type": "user.created",
    "timestamp": "2026-11-24T15:11:55.724Z",
    "data": {"id": "u_1", "name": "Ann Able"},
}
OUTBOUND = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body>
  <notifications xmlns="http://soap.sforce.com/2005/09/outbound">
   <OrganizationId>00D000000000001AAA</OrganizationId>
   <ActionId>04k000000000001AAA</ActionId>
   <SessionId>00D000000000001!session</SessionId>
   <EnterpriseUrl>https://acme.my.salesforce.com/services/Soap/c/67.0/00D</EnterpriseUrl>
   <PartnerUrl>https://acme.my.salesforce.com/services/Soap/u/67.0/00D</PartnerUrl>
   <Notification>
    <Id>04l000000000001AAA</Id>
    <sObject xsi:type="sf:Order" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
     <sf:Id>801000000000001AAA</sf:Id><sf:OrderNumber>A-1</sf:OrderNumber>
     <sf:Description xsi:nil="true"/>
    </sObject>
   </Notification>
  </notifications>
 </soapenv:Body>
</soapenv:Envelope>"""


def post(body: bytes, headers: tuple[tuple[str, str], ...], query: str = "") -> WebhookRequest:
    return WebhookRequest("POST", "https://hub.test/hooks/x/", body, headers, query=query)


def post_json(document: Any, *headers: tuple[str, str]) -> WebhookRequest:
    return post(json.dumps(document).encode(), (*JSON, *headers))


def post_form(fields: dict[str, str]) -> WebhookRequest:
    return post(urlencode(fields).encode(), FORM)


# by connector and case, with the type that the item has
REQUESTS: dict[str, dict[str, tuple[WebhookRequest, str]]] = {
    "pipedrive": {
        "change": (post_json(CHANGE), "deal.updated"),
        "deletion": (post_json(DELETION), "person.deleted"),
    },
    "salesforce": {
        "created": (post(OUTBOUND.encode(), XML, "change=created"), "order.created"),
        "updated": (post(OUTBOUND.encode(), XML, "change=updated"), "order.updated"),
    },
    "signed_webhook": {
        "standard": (post_json(USER_CREATED, ("Webhook-Id", "msg_1")), "user.created"),
        "form": (post_form({"MessageSid": "SM1", "Body": "Hello"}), "message.received"),
    },
    "slack": {
        "mention": (post_json(MENTION), "mention.created"),
        "direct message": (post_json(MENTION | {"event": DIRECT}), "message.created"),
        "command": (post_form(COMMAND), "command.created"),
        "interaction": (post_form({"payload": json.dumps(INTERACTION)}), "interaction.created"),
        "uninstalled": (
            post_json(MENTION | {"event": {"type": "app_uninstalled"}}),
            "app.uninstalled",
        ),
        "rate limited": (post_json(RATE_LIMITED), "app.rate_limited"),
    },
    "splunk": {"alert": (post_json(ALERT), "alert.created")},
}
