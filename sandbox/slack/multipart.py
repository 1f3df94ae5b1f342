"""The parts of a multipart form, which official clients send where a call may carry a file."""

from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP

from sandbox.system import ApiRequest

MULTIPART = "multipart/form-data"


@dataclass(frozen=True)
class Part:
    name: str
    content: bytes
    is_file: bool


def is_multipart(call: ApiRequest) -> bool:
    return call.headers.get("Content-Type", "").lower().startswith(MULTIPART)


def parse_parts(call: ApiRequest) -> list[Part]:
    """Empty where the body is no multipart form."""
    head = f"Content-Type: {call.headers.get('Content-Type', '')}\r\n\r\n"
    form = BytesParser(policy=HTTP).parsebytes(head.encode("ascii", "replace") + call.body)
    if not form.is_multipart():
        return []
    return [
        Part(
            str(part.get_param("name", "", header="content-disposition")),
            bytes(part.get_payload(decode=True) or b""),
            part.get_filename() is not None,
        )
        for part in form.iter_parts()
    ]


def read_fields(call: ApiRequest) -> dict[str, str]:
    """The values that are no files, by their names."""
    parts = parse_parts(call)
    return {
        part.name: part.content.decode("utf-8", "replace") for part in parts if not part.is_file
    }
