"""The pages of routes, and what is said on them."""

LIST = "/admin/outgoing/route/"


def route_url(route):
    return f"{LIST}{route.pk}/change/"


def build_route_form(tenant=None, **changes):
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


def try_route_form(client, url, tenant, **changes):
    return client.post(url, build_route_form(tenant, **changes) | {"_try": "1"})
