"""What an org says of its objects: the list of them, and one with its fields.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_describeGlobal.htm
and resources_sobject_describe.htm; the keys are those of DescribeGlobalSObjectResult and
DescribeSObjectResult in the SOAP API (2026-11).
"""

from typing import Any

from sandbox.salesforce.schema import Field, Object

SOAP_TYPES = {
    "boolean": "xsd:boolean",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "id": "tns:ID",
    "int": "xsd:int",
    "reference": "tns:ID",
}
NUMBER_DIGITS = {  # precision, scale, digits
    "double": (18, 2, 0),
    "currency": (18, 2, 0),
    "percent": (18, 2, 0),
    "int": (0, 0, 9),
}
NOT_GROUPABLE = ("double", "currency", "percent", "datetime")
NOT_SORTABLE = ("textarea", "multipicklist")
LONG_TEXT = 4000  # characters; longer ones cannot be filtered

# what is the same of all fields here
FIELD_DEFAULTS: dict[str, Any] = {
    "aiPredictionField": False,
    "autoNumber": False,
    "calculated": False,
    "calculatedFormula": None,
    "cascadeDelete": False,
    "caseSensitive": False,
    "compoundFieldName": None,
    "controllerName": None,
    "defaultValueFormula": None,
    "dependentPicklist": False,
    "deprecatedAndHidden": False,
    "displayLocationInDecimal": False,
    "encrypted": False,
    "filteredLookupInfo": None,
    "formulaTreatNullNumberAsZero": False,
    "highScaleNumber": False,
    "htmlFormatted": False,
    "inlineHelpText": None,
    "mask": None,
    "maskType": None,
    "namePointing": False,
    "polymorphicForeignKey": False,
    "queryByDistance": False,
    "referenceTargetField": None,
    "relationshipOrder": None,
    "restrictedDelete": False,
    "searchPrefilterable": False,
    "writeRequiresMasterRead": False,
}


def describe_listed(kind: Object, root: str) -> dict[str, Any]:
    """An object as the list of all objects has it."""
    writable, url = not kind.read_only, f"{root}/sobjects/{kind.name}"
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": writable,
        "custom": kind.name.endswith("__c"),
        "customSetting": False,
        "deepCloneable": False,
        "deletable": writable,
        "deprecatedAndHidden": False,
        "feedEnabled": writable,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": kind.prefix,
        "label": kind.label,
        "labelPlural": f"{kind.label}s",
        "layoutable": True,
        "mergeable": kind.name in ("Account", "Case", "Contact", "Lead"),
        "mruEnabled": True,
        "name": kind.name,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": True,
        "triggerable": writable,
        "undeletable": writable,
        "updateable": writable,
        "urls": {
            "sobject": url,
            "describe": f"{url}/describe",
            "rowTemplate": f"{url}/{{ID}}",
        },
    }


def describe_object(kind: Object, root: str) -> dict[str, Any]:
    return describe_listed(kind, root) | {
        "actionOverrides": [],
        "childRelationships": [],
        "compactLayoutable": True,
        "fields": [describe_field(kind, field) for field in kind.fields.values()],
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": [],
        "searchLayoutable": True,
        "supportedScopes": [{"label": f"All {kind.label}s", "name": "everything"}],
    }


def describe_field(kind: Object, field: Field) -> dict[str, Any]:
    precision, scale, digits = NUMBER_DIGITS.get(field.type, (0, 0, 0))
    is_set_by_org = not field.writable or field.type == "boolean"
    is_long = field.length > LONG_TEXT
    return FIELD_DEFAULTS | {
        "aggregatable": not is_long,
        "byteLength": field.length * 3,
        "createable": field.writable,
        "custom": field.name.endswith("__c"),
        "defaultValue": False if field.type == "boolean" else None,
        "defaultedOnCreate": is_set_by_org,
        "digits": digits,
        "externalId": field.external_id,
        "extraTypeInfo": "plaintextarea" if is_long else None,
        "filterable": not is_long,
        "groupable": not is_long and field.type not in NOT_GROUPABLE,
        "idLookup": field.external_id or field.name == "Id",
        "label": field.title,
        "length": field.length,
        "name": field.name,
        "nameField": field.name == kind.title,
        "nillable": not field.required and not is_set_by_org,
        "permissionable": field.writable and not field.required,
        "picklistValues": [describe_value(value) for value in field.values],
        "precision": precision,
        "referenceTo": [field.refers] if field.refers else [],
        "relationshipName": field.name.removesuffix("Id") if field.refers else None,
        "restrictedPicklist": bool(field.values) and field.restricted,
        "scale": scale,
        "soapType": SOAP_TYPES.get(field.type, "xsd:string"),
        "sortable": field.type not in NOT_SORTABLE and not is_long,
        "type": "textarea" if is_long and field.type == "string" else field.type,
        "unique": field.unique,
        "updateable": field.writable,
    }


def describe_value(value: str) -> dict[str, Any]:
    return {
        "active": True,
        "defaultValue": False,
        "label": value,
        "validFor": None,
        "value": value,
    }
