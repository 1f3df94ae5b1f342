"""An order and its translation."""

from zoneinfo import ZoneInfo

from hub.mappings.translate import compile_mapping, translate

ORDER = {
    "id": "01890000-0000-7000-8000-000000000001",
    "type": "order.created",
    "tenant": "acme",
    "occurred_at": "2026-10-01T12:00:00Z",
    "data": {
        "total": 40,
        "currency": "EUR",
        "owner": 7,
        "lines": [{"sku": "a", "n": 2}, {"sku": "b", "n": 1}],
    },
}
PEOPLE = {("user", "7"): "U7"}


def translate_example(mapping, document=ORDER):
    return translate(
        compile_mapping(mapping),
        document,
        zone=ZoneInfo("Europe/Berlin"),
        look_up_identity=lambda kind, value: PEOPLE.get((kind, value)),
    )
