"""Forms of the pages."""

from aiohttp import web


def is_own_form(request: web.Request) -> bool:
    """Whether a form was sent from a page of ours: another site's page must change nothing."""
    return request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")


async def read_form(request: web.Request) -> dict[str, str]:
    return {key: str(value) for key, value in (await request.post()).items()}
