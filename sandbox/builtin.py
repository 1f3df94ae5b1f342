"""The world that exists when nobody wrote one: two customers, Acme and Globex, everywhere. Used by the tests too."""

from typing import Any

BUILT_IN: dict[str, Any] = {
    "slack": [
        {
            "team": "T0000ACME",
            "name": "Acme",
            "domain": "acme",
            "token": "xoxb-acme-1",
            "client_id": "hub.slack",
            "client_secret": "slack-secret",
            "channels": [
                {"id": "C0000GEN1", "name": "general"},
                {"id": "C0000ORD1", "name": "orders"},
                {"id": "C0000FAR1", "name": "far-away", "is_member": False},
                {"id": "C0000OLD1", "name": "old-news", "is_archived": True},
                {"id": "C0000SEC1", "name": "board", "is_private": True, "is_member": False},
            ],
            "users": [
                {
                    "id": "U0000ANN1",
                    "name": "ann",
                    "real_name": "Ann Archer",
                    "email": "ann@acme.example",
                },
                {
                    "id": "U0000BOB1",
                    "name": "bob",
                    "real_name": "Bob Baker",
                    "email": "bob@acme.example",
                },
            ],
        },
        {
            "team": "T000GLOBEX",
            "name": "Globex",
            "domain": "globex",
            "token": "xoxe.xoxb-1-globex-1",
            "refresh_token": "xoxe-1-globex-1",
            "client_id": "hub.slack",
            "client_secret": "slack-secret",
            "channels": [{"id": "C0000GEN2", "name": "general"}],
            "users": [
                {
                    "id": "U0000CAT2",
                    "name": "cat",
                    "real_name": "Cat Cole",
                    "email": "cat@globex.example",
                }
            ],
        },
    ],
    "salesforce": [
        {
            "org": "00D000000000001EAA",
            "name": "Acme",
            "access_token": "00D000000000001!acme",
            "refresh_token": "5Aep-acme",
            "client_id": "hub.salesforce",
            "client_secret": "salesforce-secret",
            "records": {"Account": [{"Name": "Acme Retail"}]},
        },
        {
            "org": "00D000000000002EAA",
            "name": "Globex",
            "access_token": "00D000000000002!globex",
            "refresh_token": "5Aep-globex",
            "rotates": True,
            "client_id": "hub.salesforce",
            "client_secret": "salesforce-secret",
        },
    ],
    "pipedrive": [
        {
            "company": "701",
            "name": "Acme",
            "domain": "acme",
            "user": "Ann Archer",
            "email": "ann@acme.example",
            "access_token": "v1u:acme-1",
            "refresh_token": "701:acme-1",
            "client_id": "hub.pipedrive",
            "client_secret": "pipedrive-secret",
            "custom_fields": {
                "deals": {"dcf558aac1ae4e8c4f849ba5e668430d8df9be12": "Order number"}
            },
            "records": {
                "organizations": [{"name": "Acme Retail"}],
                "persons": [{"name": "Ada Lovelace", "org_id": 1}],
            },
        },
        {
            "company": "702",
            "name": "Globex",
            "domain": "globex",
            "user": "Cat Cole",
            "email": "cat@globex.example",
            "access_token": "v1u:globex-1",
            "refresh_token": "702:globex-1",
            "client_id": "hub.pipedrive",
            "client_secret": "pipedrive-secret",
            "plan": "growth",
        },
    ],
    "splunk": [
        {
            "stack": "acme",
            "token": "11111111-1111-4111-8111-111111111111",
            "indexes": ["main", "orders"],
        },
        {"stack": "globex", "token": "22222222-2222-4222-8222-222222222222", "ack": True},
    ],
    "webhook": [
        {"endpoint": "acme", "name": "Acme", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
        {"endpoint": "globex", "name": "Globex"},
    ],
    "app": {
        "tenants": [
            {
                "reference": "acme",
                "name": "Acme",
                "slack": "T0000ACME",
                "salesforce": "00D000000000001EAA",
                "pipedrive": "701",
                "splunk": "acme",
                "webhook": "acme",
            },
            {
                "reference": "globex",
                "name": "Globex",
                "slack": "T000GLOBEX",
                "salesforce": "00D000000000002EAA",
                "pipedrive": "702",
                "splunk": "globex",
                "webhook": "globex",
            },
        ]
    },
}
