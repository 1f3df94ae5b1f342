"""The pages of routes, and what is said on them."""

LIST = "/admin/outgoing/route/"


def page_of(route):
    return f"{LIST}{route.pk}/change/"


def said(tenant=None, **changes):
    return {
        "name": "Orders",
        "enabled": "on",
        "tenant": tenant.reference if tenant else "",
        "event_type": "order.*",
        "filter": "",
        "target": "webhook.send",
        "connection": "",
        "mapping": "",
        "body": '{"number": "data.number"}',
        "retry_schedule": "",
    } | changes


def errors_of(answer):
    return answer.context["adminform"].form.errors


def tried(client, url, tenant, **changes):
    return client.post(url, said(tenant, **changes) | {"_try": "1"})
