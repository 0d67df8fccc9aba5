from __future__ import annotations

import base64
import json

import pytest

from sidecar.errors import RequestRefused
from sidecar.formats.format import Passing
from sidecar.formats.request_types import reader_for


@pytest.mark.parametrize(
    ("content_type", "name"),
    [
        ("application/json", "openai_chat"),
        ("application/json; charset=UTF-8", "openai_chat"),
        ("Application/Vnd.Api+JSON", "openai_chat"),
        ("text/json", "openai_chat"),
        ("application/x-ndjson", "json_lines"),
        ("application/jsonl", "json_lines"),
        ("text/plain", "text"),
        ("text/csv; charset=utf-8; header=present", "text"),
        ("multipart/form-data; boundary=x", "form_data"),
        ('Multipart/Form-Data; boundary="a b"', "form_data"),
        ("text/plain; charset=utf-16", None),
        ("application/json; charset=utf-16", None),
        ("application/json; charset=utf-8; charset=utf-16", None),
        ("application/json; charset*=utf-8''utf-16", None),
        ("application/json; charset*=a; charset*0=b", None),
        (f"application/json; charset*{'1' * 5000}=utf-16", None),
        ("application/json; charset", "openai_chat"),
        ('application/json; charset="UTF-8";', "openai_chat"),
        ("text/event-stream", None),
        ("multipart/mixed; boundary=x", None),
        ("multipart/related; boundary=x", None),
        ("application/octet-stream", None),
        ("application/x-www-form-urlencoded", None),
        ("application/pdf", None),
        ("audio/wav", None),
        ("", None),
    ],
)
def test_the_type_says_what_can_be_looked_into(content_type: str, name: str | None) -> None:
    found = reader_for("/v1/chat/completions", content_type)
    assert (found.name if found else None) == name


@pytest.mark.parametrize("parameters", ["; boundary=a; boundary=b", "; boundary", '; boundary="a'])
def test_a_boundary_that_may_be_read_in_two_ways_is_refused(parameters: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        reader_for("/v1/files", "multipart/form-data" + parameters)
    assert refused.value.status == 400


PDF = base64.b64encode(b"%PDF-1.7 " + bytes(60)).decode()


@pytest.mark.parametrize("passes", [False, True])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/x"])
def test_inline_documents_pass_where_they_are_set_to(path: str, passes: bool) -> None:
    part = {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}}
    part |= {"file_data": f"data:application/pdf;base64,{PDF}"}
    body = json.dumps({"messages": [{"role": "user", "content": [part]}]}).encode()
    reader = reader_for(path, "application/json", passing=Passing.DOCUMENTS if passes else Passing.NOTHING)
    assert reader is not None
    if passes:
        assert PDF not in "".join(field.text for field in reader.parse_request(body).fields)
    else:
        with pytest.raises(RequestRefused) as refused:
            reader.parse_request(body)
        assert refused.value.status == 415


def test_what_is_no_base64_never_passes_as_a_document() -> None:
    reader = reader_for("/v1/x", "application/json", passing=Passing.DOCUMENTS)
    assert reader is not None
    with pytest.raises(RequestRefused):
        reader.parse_request(b'{"file_data": "data:application/pdf,Ada%20Park"}')
