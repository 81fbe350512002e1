"""Bodies read into memory: whole forms, wrong forms, and what is held meanwhile."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from photosynth.serve.config import ServeConfig
from photosynth.serve.intake import Memory, received
from photosynth.serve.refusal import Refusal


def form_body(parts, boundary=b"b"):
    lines = []
    for name, data, file_name in parts:
        extra = b"" if file_name is None else b'; filename="%s"' % file_name.encode()
        lines.append(b'--%s\r\ncontent-disposition: form-data; name="%s"%s' % (boundary, name.encode(), extra))
        lines.append(b"")
        lines.append(data)
    return b"\r\n".join([*lines, b"--%s--" % boundary, b""])


def read(body, kind="multipart/form-data; boundary=b", raw_name=None, chunk=7, memory=None, **settings):
    """The parts of a body that comes in small chunks; checks that its memory is given back."""
    memory = memory or Memory(10**6)
    chunks = [body[k : k + chunk] for k in range(0, len(body), chunk)] or [b""]
    most = 0

    async def receive():
        data = chunks.pop(0)
        return {"type": "http.request", "body": data, "more_body": bool(chunks)}

    async def ask():
        nonlocal most
        scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"content-type", kind.encode())]}
        async with received(Request(scope, receive), ServeConfig(**settings), memory, raw_name) as form:
            most = memory.held
            return form

    try:
        form = asyncio.run(ask())
        assert most == len(body)
        return form
    finally:
        assert memory.held == 0


@settings(max_examples=40, deadline=None, database=None, derandomize=True)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["image", "label", "x y", "größe"]),
            st.binary(max_size=60).filter(lambda data: b"\r\n--b" not in data),
            st.sampled_from([None, "a.jpg", "ü.png", ""]),
        ),
        max_size=5,
    ),
    st.integers(1, 50),
)
def test_any_form_comes_through_whole_in_any_chunks(parts, chunk):
    if not parts:
        return
    form = read(form_body(parts), chunk=chunk)
    assert [(p.name, bytes(p.data), p.file_name) for p in form.parts] == parts


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "multipart/form-data; boundary=b", 422),
        (b"", "multipart/form-data", 422),
        (b"", "text/plain", 415),
        (b"", "", 415),
        (b"abc", "multipart/form-data; boundary=b", 422),
        (form_body([("a", b"x", None)])[:-9], "multipart/form-data; boundary=b", 422),
        (form_body([("a", b"x", None)]).replace(b"name=", b"nome="), "multipart/form-data; boundary=b", 422),
        (form_body([("a", b"x", None)] * 65), "multipart/form-data; boundary=b", 413),
        (form_body([("a", b"x" * 1000, None)]), "multipart/form-data; boundary=b", 413),
        (b"--b\r\n" + b"x: y\r\n" * 50 + b"\r\n", "multipart/form-data; boundary=b", 422),
    ],
)
def test_wrong_forms(body, kind, status):
    with pytest.raises(Refusal) as refused:
        read(body, kind, max_upload_mb=0.0009 if status == 413 and b"x" * 1000 in body else 1.0)
    assert refused.value.status == status


def test_the_size_limit_is_exact_and_needs_no_announcement():
    body = form_body([("image", b"x" * 100, "f")])
    assert read(body, max_upload_mb=len(body) / 1e6).pictures("image", 1) == [b"x" * 100]
    with pytest.raises(Refusal) as refused:
        read(body, max_upload_mb=(len(body) - 1) / 1e6)
    assert refused.value.status == 413


def test_no_memory_left():
    with pytest.raises(Refusal) as refused:
        read(form_body([("image", b"x" * 100, "f")]), memory=Memory(90))
    assert (refused.value.status, refused.value.retry_after_s) == (503, 2)


def test_pictures_and_texts():
    form = read(form_body([("image", b"1", "f"), ("label", "süß".encode(), None), ("image", b"2", "g")]))
    assert form.pictures("image", 2) == [b"1", b"2"]
    assert form.text("label") == "süß"
    assert form.text("other", "default") == "default"
    for wrong in (lambda: form.pictures("image", 1), lambda: form.pictures("x", 1), lambda: form.text("other")):
        with pytest.raises(Refusal):
            wrong()
    with pytest.raises(Refusal):
        read(form_body([("label", b"\xff", None)])).text("label")


def test_a_bare_picture():
    assert read(b"\xff\xd8 bytes", "image/jpeg", "image").pictures("image", 1) == [b"\xff\xd8 bytes"]
    with pytest.raises(Refusal) as refused:
        read(b"\xff\xd8", "image/jpeg", None)
    assert refused.value.status == 415
