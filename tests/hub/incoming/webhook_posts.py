"""Post webhooks as their systems do, and run the inbox."""

import json
from base64 import b64encode
from zlib import crc32

from hub.db.clock import clock
from hub.incoming.endpoints.create import endpoint_url, get_or_create_connection_endpoint
from hub.incoming.processing.batch import process_messages
from hub.incoming.processing.claim import claim_messages, claim_repeated_message
from hub.incoming.processing.stored_items import process_due_items
from hub.processes.leases import new_lease

SOAP = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:xsd="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body>
  <notifications xmlns="http://soap.sforce.com/2005/09/outbound">
   <OrganizationId>{organization}</OrganizationId>
   <ActionId>04k000000000001AAA</ActionId>
   {session}
   <EnterpriseUrl>https://acme.my.salesforce.com/services/Soap/c/67.0/00D</EnterpriseUrl>
   <PartnerUrl>https://acme.my.salesforce.com/services/Soap/u/67.0/00D</PartnerUrl>
   {notifications}
  </notifications>
 </soapenv:Body>
</soapenv:Envelope>"""
NOTIFICATION = """<Notification><Id>{id}</Id>
 <sObject xsi:type="sf:Order" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
  <sf:Id>{record}</sf:Id><sf:OrderNumber>{number}</sf:OrderNumber>
  <sf:Description xsi:nil="true"/>
 </sObject></Notification>"""


def local_path(endpoint):
    """Return the path of an endpoint's URL."""
    return "/" + endpoint_url(endpoint).partition("//")[2].partition("/")[2]


def endpoint_of(connection):
    return get_or_create_connection_endpoint(connection, now=clock())


def run_inbox(*, now=None, rounds=1000):
    """Process all that is due now: messages, then items that were released or replayed.

    `rounds`: of each, at most.
    """
    lease, now = new_lease(), now or clock()
    if messages := claim_messages(lease, after="", now=now).messages:
        process_messages(messages, lease, now=now)
    for _ in range(rounds):
        repeated = claim_repeated_message(lease, now=now)
        if not repeated:
            break
        process_messages(repeated, lease, now=now)
    for _ in range(rounds):
        if process_due_items(now=now) is None:
            break


def post_pipedrive(client, connection, *, action="create", secret=None, **meta):
    """Post a change of person 31 as webhooks v2 do; with another id of another new person."""
    if action == "create" and "id" in meta:
        meta = {"entity_id": str(crc32(meta["id"].encode()))} | meta
    endpoint = endpoint_of(connection)
    secret = secret or endpoint.open()["secrets"][0]["secret"]
    document = {
        "meta": {
            "action": action,
            "entity": "person",
            "entity_id": "31",
            "company_id": connection.account,
            "user_id": "7",
            "id": "6d0b4a5e-0001",
            "timestamp": "2026-11-24T15:11:55.724Z",
            "version": "2.0",
            "webhook_id": "9001",
            "attempt": 1,
        }
        | meta,
        "data": {"id": 31, "name": "Ann Able", "custom_fields": {}},
        "previous": {"name": "Ann"} if action == "change" else None,
    }
    return client.post(
        local_path(endpoint),
        json.dumps(document),
        content_type="application/json",
        headers={"Authorization": "Basic " + b64encode(secret.encode()).decode()},
    )


def post_salesforce(
    client, connection, *, count=1, organization=None, session="", path=None, description=""
):
    """Post an outbound message of `count` new orders."""
    notifications = "".join(
        NOTIFICATION.format(id=f"04l{n:012}AAA", record=f"801{n:012}AAA", number=f"A-{n}")
        for n in range(1, count + 1)
    )
    if description:
        element = f"<sf:Description>{description}</sf:Description>"
        notifications = notifications.replace('<sf:Description xsi:nil="true"/>', element)
    organization = organization or connection.account
    body = SOAP.format(organization=organization, session=session, notifications=notifications)
    path = path or local_path(endpoint_of(connection)) + "?change=created"
    return client.post(path, body, content_type="text/xml; charset=UTF-8")
