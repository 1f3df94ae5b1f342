"""Records, actions and recorded responses of Salesforce."""

from connectors.salesforce.connector import Salesforce
from tests.connectors.recorded import credential, message, recorded

SALESFORCE = Salesforce()
CREATE, UPDATE, UPSERT, UPDATE_RECORD, DELETE_RECORD = SALESFORCE.actions
RECORDS, AGGREGATE = SALESFORCE.collections
LEAD = {"object": "Lead", "fields": {"LastName": "Ada"}}
CONTACT = {
    "object": "Contact",
    "record_id": "003000000000001AAA",
    "fields": {"Email": "a@example.com"},
}
KEYED = {
    "object": "Contact",
    "external_id_field": "Ext__c",
    "external_id": "1",
    "fields": {"LastName": "Ada"},
}
BODIES = {"create": LEAD, "update": CONTACT, "update_record": CONTACT, "upsert": KEYED}
LISTED = [
    {
        "attributes": {"type": "Contact", "url": f"/services/data/v67.0/sobjects/Contact/{id}"},
        "Id": id,
        "SystemModstamp": f"2026-11-25T12:00:0{number}.000+0000",
    }
    for number, id in [(number, f"00300000000000{number}AAA") for number in (1, 2, 3)]
]


def parse_recorded(name):
    response, door = recorded("salesforce", name), name.partition("__")[0]
    if door in ("query", "aggregate"):
        return (RECORDS if door == "query" else AGGREGATE).parse_page(response)
    if door == "objects":
        return SALESFORCE.schema.parse_objects(response)
    if door == "describe":
        return SALESFORCE.schema.parse_fields(response, "Contact")
    if door == "organization":
        return SALESFORCE.parse_probe(response, credential("salesforce"))
    if door == "token":
        return SALESFORCE.parse_refresh(response, credential("salesforce"))
    (outcome,) = SALESFORCE.action(door).read_outcomes(response, [message(BODIES[door])])
    return outcome
