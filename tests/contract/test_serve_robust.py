"""The server among clients that are slow, many, rude or gone, over real connections on loopback."""

import io
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from PIL import Image
from serve_setting import Colours, FakeSource, picture, running, until, write_model

from photosynth.core.errors import ArtifactError


def ask(url, data=None, **more):
    return httpx.post(f"{url}/api", files={"my_image": data or picture()}, timeout=20, **more)


def talk(port, data, seconds=5.0):
    """Send bytes, then read until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(data)
        return listen(connection)


def listen(connection):
    answer = b""
    while chunk := connection.recv(65536):
        answer += chunk
    return answer


def head(length, extra=""):
    return (
        f"POST /api HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=b\r\n"
        f"content-length: {length}\r\n{extra}\r\n"
    ).encode()


def test_slow_clients_are_sent_away():
    with running(receive_timeout_s=0.3) as server:
        silent = talk(server.port, b"")
        slow_head = talk(server.port, b"POST /api HTTP/1.1\r\nhost:")
        slow_body = talk(server.port, head(1000) + b"--b\r\n")
        for answer in (silent, slow_head, slow_body):
            assert answer.startswith(b"HTTP/1.1 408 "), answer
            assert b"connection: close" in answer
            assert b"too_slow" in answer
        assert ask(server.url).status_code == 200
        until(lambda: "photosynth_upload_bytes 0.0" in server.client.get("/metrics").text)


def test_a_client_that_does_not_take_its_answer_is_cut_off(tmp_path, monkeypatch):
    from photosynth.serve import app as app_module

    (tmp_path / "index.html").write_bytes(b"x" * 30_000_000)
    monkeypatch.setattr(app_module, "WEB_FOLDER", tmp_path)
    with running(send_timeout_s=0.3) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            until(lambda: len(server.server.server_state.connections) == 1)
            until(lambda: len(server.server.server_state.connections) == 0)
        assert server.client.get("/healthz").status_code == 200


def test_large_heads_and_endless_bodies_are_cut_off():
    with running(max_upload_mb=0.1) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nx: ")
            until(lambda: any(c.headers is not None for c in server.server.server_state.connections))
            connection.sendall(b"a" * 64_100)
            assert listen(connection).startswith(b"HTTP/1.1 431 ")
        assert talk(server.port, b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(head(10**12))
            assert b" 413 " in connection.recv(4096)
            with pytest.raises(OSError):
                for _ in range(100):
                    connection.sendall(b"x" * 100_000)
        chunked = b"POST /api HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=b\r\n"
        chunked += b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
        body = b"--b\r\ncontent-disposition: form-data; name=my_image; filename=x\r\n\r\n" + b"x" * 150_000
        answer = talk(server.port, chunked + b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n")
        assert b" 413 " in answer.split(b"\r\n")[0]


def test_a_refused_body_is_read_so_that_the_refusal_arrives():
    with running(max_upload_mb=0.5) as server:
        for _ in range(3):
            assert ask(server.url, b"x" * 1_500_000).status_code == 413


def test_too_many_connections():
    with running(max_connections=2) as server:
        server.client.close()
        held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(2)]
        until(lambda: len(server.server.server_state.connections) == 2)
        answer = talk(server.port, b"")
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 2" in answer
        for connection in held:
            connection.close()
        until(lambda: not server.server.server_state.connections)
        assert ask(server.url).status_code == 200


def test_a_full_queue_refuses_before_the_body_and_drains():
    gate = threading.Event()
    source = FakeSource("colours", Colours(gate=gate))
    with running(source, workers=1, queue=2) as server, ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(ask, server.url) for _ in range(3)]
        until(lambda: "photosynth_requests_inside 3.0" in server.client.get("/metrics").text)
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(head(1_000_000))  # and not a byte of the body
            early = connection.recv(4096)
        refused = ask(server.url)
        gate.set()
        assert early.startswith(b"HTTP/1.1 503 ")
        assert refused.status_code == 503
        assert refused.json()["error"] == "busy"
        assert 1 <= int(refused.headers["retry-after"]) <= 30
        assert [answer.result().status_code for answer in waiting] == [200] * 3
        assert ask(server.url).status_code == 200


def test_memory_for_uploads_is_bounded_and_given_back():
    with running(max_upload_mb=1.0, memory_mb=1.0) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            part = b"--b\r\ncontent-disposition: form-data; name=my_image; filename=x\r\n\r\n"
            connection.sendall(head(900_000) + part + b"x" * 600_000)
            until(lambda: "photosynth_upload_bytes 600" in server.client.get("/metrics").text)
            refused = ask(server.url, b"x" * 500_000)
            assert (refused.status_code, refused.json()["error"]) == (503, "busy")
            assert "retry-after" in refused.headers
            assert ask(server.url).status_code == 200
        until(lambda: "photosynth_upload_bytes 0.0" in server.client.get("/metrics").text)
        assert ask(server.url, b"x" * 500_000).status_code == 422


def test_an_answer_that_takes_too_long_is_refused():
    gate = threading.Event()
    with running(FakeSource("colours", Colours(gate=gate)), answer_timeout_s=0.2) as server:
        answer = ask(server.url)
        gate.set()
        assert (answer.status_code, answer.json()["error"]) == (503, "busy")
        assert "retry-after" in answer.headers


def test_uploads_never_touch_the_disk(monkeypatch):
    def opened(*_, **__):
        raise AssertionError("a temporary file")

    for name in ("SpooledTemporaryFile", "TemporaryFile", "NamedTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, opened)
    buffer = io.BytesIO()
    Image.frombytes("RGB", (1000, 1000), os.urandom(3_000_000)).save(buffer, "PNG")
    with running() as server:
        assert len(buffer.getvalue()) > 2_000_000
        assert ask(server.url, buffer.getvalue()).status_code == 200


def test_models_are_swapped_without_dropping_a_request():
    source = FakeSource("colours", Colours(delay_s=0.002), version="v0")
    stop, versions, bad = threading.Event(), set(), []

    def keep_asking():
        with httpx.Client(base_url=server.url, timeout=20) as client:
            while not stop.is_set():
                answer = client.post("/v1/classify", files={"image": picture()})
                if answer.status_code != 200:
                    bad.append(answer.text)
                versions.add(answer.json()["version"])

    with running(source) as server, ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(keep_asking) for _ in range(3)]
        for k in range(1, 6):
            source.predictor, source.version, source.mark = Colours(delay_s=0.002), f"v{k}", k + 1
            server.registry.look_now()
            until(lambda k=k: f"v{k}" in versions)
        stop.set()
        for each in asking:
            each.result()
        assert bad == []
        assert server.registry.swaps == 5
        source.predictor, source.mark = ArtifactError("broken"), 99
        server.registry.look_now()
        until(lambda: server.registry.failures)
        assert ask(server.url).json()["max_class"] == "red"
        assert server.client.get("/readyz").json()["models"] == {"colours": "v5"}


def test_answers_leave_at_once():
    """Without TCP_NODELAY the body of an answer waits 40 ms for the acknowledgement of its head."""
    with running() as server, socket.create_connection(("127.0.0.1", server.port)):
        until(lambda: server.server.server_state.connections)
        (connection,) = server.server.server_state.connections
        taken = connection.transport.get_extra_info("socket")
        assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_client_that_goes_away_leaves_nothing_behind():
    with running() as server:
        for cut in (40, 200, 400):
            with socket.create_connection(("127.0.0.1", server.port)) as connection:
                connection.sendall((head(5000) + b"--b\r\n" + b"x" * 1000)[:cut])
        until(lambda: "photosynth_upload_bytes 0.0" in server.client.get("/metrics").text)
        until(lambda: len(server.server.server_state.tasks) <= 1)


def test_stopping_answers_what_is_inside_and_takes_no_more():
    gate = threading.Event()
    with running(FakeSource("colours", Colours(gate=gate))) as server, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ask, server.url)
        until(lambda: "photosynth_requests_inside 1.0" in server.client.get("/metrics").text)
        server.server.should_exit = True
        until(lambda: refuses(server.port))
        assert not waiting.done()
        gate.set()
        assert waiting.result().status_code == 200
        server.thread.join(20)
        assert not server.thread.is_alive()


def refuses(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return True
    return False


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs SIGHUP")
def test_the_command_serves_swaps_on_sighup_and_ends_quietly_on_sigterm(tmp_path):
    folder = write_model(tmp_path / "shop")
    command = [sys.executable, "-m", "photosynth", "serve", str(folder), "--port", "0", "--watch-s", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline() for _ in range(2)]
        assert lines[0].startswith("classifier shop: 4 classes")
        url = lines[1].split()[-1].rstrip("/")
        until(lambda: not refuses(int(url.rsplit(":", 1)[1])))
        before = httpx.get(f"{url}/v1/models/shop").json()["version"]
        write_model(folder, class_names=("cherry", "lime", "plum"), gain=9.0)
        process.send_signal(signal.SIGHUP)
        until(lambda: httpx.get(f"{url}/v1/models/shop").json()["version"] != before)
        assert ask(url).json()["max_class"] == "cherry"
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, err) == (0, "")
        assert "now" in out
