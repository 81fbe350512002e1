"""The server under made-up requests: nothing may break it, whatever comes."""

import io
import socket

import httpx
import numpy as np
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from PIL import Image
from schemathesis.generation import GenerationMode
from serve_setting import Colours, FakeSource, Halves, picture, running

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "allow_header_conformance",
)
session = requests.Session()
FEW = settings(
    max_examples=10,
    deadline=None,
    database=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    sources = (FakeSource("colours", Colours()), FakeSource("halves", Halves()))
    with running(*sources, keep=tmp_path_factory.mktemp("kept"), max_upload_mb=1.0) as found:
        yield found


def operations(server):
    """Every documented path and method, as schemathesis sees them."""
    api = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    return [found.ok() for found in api.get_all_operations()]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_answer_is_as_documented(server, mode):
    schemathesis.checks.load_all_checks()
    check = schemathesis.checks.CHECKS.get_one
    checks = [check(name) for name in CHECKS]
    labels = set()
    for operation in operations(server):

        @given(case=operation.as_strategy(generation_mode=mode))
        @FEW
        def asked(case):
            case.call_and_validate(session=session, checks=checks)

        try:
            asked()
        except Unsatisfiable:  # there is no wrong way to ask
            continue
        labels.add(operation.label)
    assert {"POST /api", "POST /detector", "POST /v1/classify", "POST /v1/detect"} <= labels


def bodies():
    """Multipart bodies: whole ones with a mutated picture, and mutated ones."""
    kinds = ["JPEG", "PNG", "WEBP", "BMP"]
    pictures = [picture(size_wh=(23, 17), kind=kind) for kind in kinds]
    pictures.append(noisy_jpeg())
    for data in pictures:
        head = b'--b\r\ncontent-disposition: form-data; name="%s"; filename="x"\r\n\r\n'
        yield data, head


def noisy_jpeg():
    buffer = io.BytesIO()
    values = np.random.default_rng(0).integers(0, 256, (31, 45, 3), dtype=np.uint8)
    Image.fromarray(values).save(buffer, "JPEG", progressive=True)
    return buffer.getvalue()


def mutated(data, rng):
    """Bytes flipped, cut, doubled or dropped at random places."""
    out = bytearray(data)
    for _ in range(rng.integers(1, 6)):
        at = int(rng.integers(len(out))) if out else 0
        kind = rng.integers(5)
        if kind == 0 and out:
            out[at] = rng.integers(256)
        elif kind == 1:
            del out[at:]
        elif kind == 2:
            out[at:at] = rng.integers(0, 256, rng.integers(1, 20), dtype=np.uint8).tobytes()
        elif kind == 3:
            del out[at : at + int(rng.integers(1, 30))]
        else:
            out[at:at] = out[max(0, at - 30) : at]
    return bytes(out)


def test_mutated_bodies(server):
    rng = np.random.default_rng(20_260_101)
    paths = [
        ("/api", b"my_image"),
        ("/v1/classify", b"image"),
        ("/detector", b"my_image"),
        ("/v1/corrections", b"image"),
    ]
    seen = {}
    for data, head in bodies():
        for k in range(40):
            path, field = paths[k % len(paths)]
            label = b'\r\n--b\r\ncontent-disposition: form-data; name="label"\r\n\r\nred\r\n--b--\r\n'
            body = head % field + (mutated(data, rng) if k % 3 else data) + label
            if k % 3 == 0:
                body = mutated(body, rng)
            answer = server.client.post(path, content=body, headers={"content-type": "multipart/form-data; boundary=b"})
            assert answer.status_code in (200, 201, 413, 422), (path, answer.status_code, answer.text)
            seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
    assert seen[200] > 10
    assert seen[422] > 50
    assert server.client.post("/api", files={"my_image": picture()}).json()["max_class"] == "red"


@given(st.binary(max_size=300), st.sampled_from(["", "; boundary=b", '; boundary="', "; boundary=" + "b" * 300]))
@FEW
def test_any_bytes_as_a_form(server, body, boundary):
    for content in (body, b"--b\r\n" + body, b'--b\r\ncontent-disposition: form-data; name="my_image"\r\n' + body):
        headers = {"content-type": f"multipart/form-data{boundary}"}
        answer = server.client.post("/api", content=content, headers=headers)
        assert answer.status_code in (413, 422), answer.text


def test_raw_noise_on_the_socket(server):
    rng = np.random.default_rng(7)
    good = b"POST /api?a=%zz HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-type: image/png\r\n\r\nabc"
    for _ in range(60):
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
            connection.sendall(mutated(good, rng))
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(4096)
            assert b" 500 " not in answer.split(b"\r\n")[0], answer
    assert httpx.get(f"{server.url}/healthz").status_code == 200
