"""The SOAP of an outbound message, and of its acknowledgement.

https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_om_outboundmessaging_understanding.htm
(2026-11): 1 to 100 notifications, the fields chosen, an absent element for null.
"""

import re
from collections.abc import Iterable
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from sandbox.salesforce.accounts import Org
from sandbox.salesforce.ids import long
from sandbox.salesforce.outbound.metadata import Row
from sandbox.sending.http_client import OutgoingResponse

OUTBOUND = "http://soap.sforce.com/2005/09/outbound"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT[\d:.]+)\+0000")
ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" \
xmlns:xsd="http://www.w3.org/2001/XMLSchema" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body>
  <notifications xmlns="http://soap.sforce.com/2005/09/outbound">
   <OrganizationId>{organization}</OrganizationId>
   <ActionId>{action}</ActionId>
   {session}
   <EnterpriseUrl>{base}/services/Soap/c/{version}/{short}</EnterpriseUrl>
   <PartnerUrl>{base}/services/Soap/u/{version}/{short}</PartnerUrl>
{notifications}
  </notifications>
 </soapenv:Body>
</soapenv:Envelope>
"""
NOTIFICATION = """   <Notification>
    <Id>{id}</Id>
    <sObject xsi:type="sf:{kind}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
{fields}
    </sObject>
   </Notification>"""


def envelope(org: Org, message: Row, notifications: Iterable[str], session: str) -> bytes:
    """`session` is empty unless the message sends the session of its user."""
    host = org.login_host or f"{org.org[:15].lower()}.my.salesforce.com"
    return ENVELOPE.format(
        organization=long(org.org),
        action=message["Id"],
        session=f"<SessionId>{escape(session)}</SessionId>"
        if session
        else '<SessionId xsi:nil="true"/>',
        base=f"https://{host}",
        version=f"{float(message['ApiVersion']):.1f}",
        short=org.org[:15],
        notifications="\n".join(notifications),
    ).encode()


def notification(id: str, kind: str, record: Row, names: list[str]) -> str:
    """Of the fields that were chosen; the record's id always."""
    fields = [
        f"     <sf:{name}>{escape(text_of(record[name]))}</sf:{name}>"
        for name in dict.fromkeys(["Id", *names])
        if record.get(name) not in (None, "")
    ]
    return NOTIFICATION.format(id=id, kind=kind, fields="\n".join(fields))


def text_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return MOMENT.sub(r"\1Z", str(value))


def is_acknowledged(response: OutgoingResponse) -> bool:
    """Whether a 200 carries `notificationsResponse` with `Ack` true."""
    if response.status != 200:
        return False
    try:
        root = ElementTree.fromstring(response.body)
    except ElementTree.ParseError:
        return False
    ack = root.findtext(f"{{{SOAP}}}Body/{{{OUTBOUND}}}notificationsResponse/{{{OUTBOUND}}}Ack", "")
    return ack.strip() in ("true", "1")
