"""The page's server and its files."""

import gzip
import hashlib
import http.client
import importlib.util
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from keras_fld import web, zoo
from keras_fld.web.files import PAGE
from keras_fld.web.server import HEADERS, POLICY, place
from tests.interrupts import heed_interrupts

PRESET = "trnet20_300w"


@pytest.fixture(scope="module")
def server():
    with web.make_server() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(server, path, method="GET", **headers):
    """Response and body, of a path sent as it is."""
    connection = http.client.HTTPConnection(*server.server_address[:2], timeout=10)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def test_it_listens_on_this_machine_alone_unless_told_otherwise(server):
    assert server.server_address[0] == "127.0.0.1"


def test_a_dropped_connection_is_no_error(server, capfd):
    for request in (b"", b"GET / HT", b"GET / HTTP/1.1\r\n\r\n" * 50):
        with socket.create_connection(server.server_address[:2]) as connection:
            connection.sendall(request)
            # Closing with SO_LINGER 0 resets it.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert ask(server, "/")[0].status == 200
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            thread.join(10)
    assert capfd.readouterr().err == ""


def test_other_errors_are_shown(server, capfd):
    for error, shown in ((ValueError("odd"), True), (BrokenPipeError(), False)):
        try:
            raise error
        except (ValueError, OSError):
            server.handle_error(None, ("127.0.0.1", 1))
        assert ("Traceback" in capfd.readouterr().err) is shown


@pytest.mark.parametrize("path", sorted(web.page_files()))
def test_every_file_has_its_type_and_the_headers(server, path):
    response, body = ask(server, path)
    assert response.status == 200 and body
    for name, value in HEADERS.items():
        assert response.headers[name] == value
    suffix = Path("index.html" if path == "/" else path).suffix
    expected = {
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".jpg": "image/jpeg",
        ".wasm": "application/wasm",
        ".svg": "image/svg+xml",
        ".json": "application/json",
        ".md": "text/plain; charset=utf-8",
        ".tflite": "application/octet-stream",
    }
    assert response.headers["Content-Type"] == expected[suffix]


def test_the_policy_allows_nothing_from_elsewhere_and_no_code_from_text(server):
    policy = ask(server, "/")[0].headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';")
    assert "unsafe-inline" not in policy and "http" not in policy and "*" not in policy
    assert "'unsafe-eval'" not in policy
    # The page itself says the same, for hosts that send no headers.
    html = ask(server, "/")[1].decode()
    assert f'content="{POLICY}"' in html
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|https?:", html)


@pytest.mark.parametrize(
    "path",
    [
        "/../server.py",
        "/../../zoo/trnet20_300w.keras",
        "/%2e%2e/server.py",
        "/..%2fserver.py",
        "/litert/../../server.py",
        "/..\\server.py",
        "//etc/passwd",
        "/etc/passwd",
        "file:///etc/passwd",
        "/litert",
        "/litert/litert_wasm_internal.wasm.gz",
        "/index.html/",
        "/app.js%00.html",
    ],
)
def test_paths_that_leave_the_page_are_refused(server, path):
    response, body = ask(server, path)
    assert (response.status, body) == (404, b"not found\n")
    assert response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_written(server, method):
    assert ask(server, "/", method)[0].status == 501


def test_wasm_is_sent_compressed_where_the_browser_takes_it(server):
    path = "/litert/litert_wasm_internal.wasm"
    packed, content = ask(server, path, **{"Accept-Encoding": "br, gzip"})
    plain, same = ask(server, path)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert plain.headers["Content-Encoding"] is None
    assert gzip.decompress(content) == same and same.startswith(b"\0asm")
    assert len(content) < len(same) / 3


def test_a_known_file_is_not_sent_again_and_head_sends_no_body(server):
    response, body = ask(server, "/model.tflite")
    assert body == zoo.lite_file(PRESET).read_bytes()
    again, nothing = ask(server, "/model.tflite", **{"If-None-Match": response.headers["ETag"]})
    assert (again.status, nothing) == (304, b"")
    head, nothing = ask(server, "/model.tflite", "HEAD")
    assert (int(head.headers["Content-Length"]), nothing) == (len(body), b"")


def test_what_the_scripts_import_is_served():
    files = web.page_files()
    for address, file in files.items():
        if address.endswith(".js"):
            folder = address.rpartition("/")[0]
            for name in re.findall(rb'^(?:import|export)[^"]* from "([^"]+)"', file.content, re.M):
                assert name.startswith(b"./"), (address, name)
                assert f"{folder}/{name[2:].decode()}" in files, (address, name)


def test_the_runtime_is_the_checked_release():
    path = Path(__file__).parents[2] / "tflite" / "web" / "vendor.py"
    spec = importlib.util.spec_from_file_location("vendor", path)
    vendor = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(vendor)
    checked = 0
    for name, checksum in vendor.checksums().items():
        if "/wasm/" in name:
            found = PAGE / "litert" / name.rpartition("/")[2]
            packed = found.with_name(f"{found.name}.gz")
            content = (
                gzip.decompress(packed.read_bytes()) if packed.exists() else found.read_bytes()
            )
            assert hashlib.sha256(content).hexdigest() == checksum
            checked += 1
    assert checked == 4


def test_a_copy_is_plain_files(tmp_path):
    web.copy_page(tmp_path / "site")
    assert (tmp_path / "site" / "litert" / "litert_wasm_internal.wasm").read_bytes()[:4] == b"\0asm"
    names = {"/" + p.relative_to(tmp_path / "site").as_posix() for p in tmp_path.rglob("*.*")}
    assert set(web.page_files()) - {"/"} <= names


def test_models_that_the_page_cannot_run_are_refused(tmp_path):
    good = zoo.lite_file(PRESET).read_bytes()
    full = tmp_path / "full.tflite"
    full.write_bytes(good.replace(b'"dtype":"uint8"', b'"dtype":"int8" '))
    with pytest.raises(ValueError, match=r"full.tflite: .* needs uint8 or float32 .*Got: int8"):
        web.page_files(full)
    strange = tmp_path / "strange.tflite"
    strange.write_bytes(good.replace(b"keras_fld", b"keras_xyz"))
    with pytest.raises(ValueError, match="no keras_fld metadata"):
        web.page_files(strange)
    with pytest.raises(ValueError, match="the page needs a landmark model. Got: a model of kind"):
        web.page_files(zoo.score_file())
    with pytest.raises(ValueError, match=r"must be a .tflite file or a preset .*Got: model.keras"):
        web.page_files("model.keras")
    with pytest.raises(ValueError, match="missing.tflite"):
        web.page_files(tmp_path / "missing.tflite")


def test_a_port_that_is_taken_is_one_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = command("--no-open", "--port", port)
        _, error = result.communicate(timeout=60)
    assert result.returncode == 2
    assert error.startswith(f"Error: cannot listen on 127.0.0.1:{port} (")
    assert error.count("\n") == 1


# Too long a name, no name, brackets, and an address that no machine has.
@pytest.mark.parametrize("host", ["a" * 70, "..", "[::1]", "192.0.2.1"])
def test_a_host_that_cannot_be_listened_on_is_named(host):
    with pytest.raises(ValueError, match=f"^cannot listen on .*{re.escape(host)}.*:0 "):
        web.make_server(host=host)


HOSTS = [
    # host, in the printed address, others are warned of
    (None, "localhost", False),
    ("localhost", "localhost", False),
    ("0.0.0.0", "localhost", True),
    ("127.0.0.2", "127.0.0.2", False),
    ("::1", "[::1]", False),
    ("::", "localhost", True),
]


@pytest.mark.parametrize(("host", "printed", "warned"), HOSTS)
def test_the_command_serves_at_the_printed_address_until_interrupted(host, printed, warned):
    if not listenable(host or "127.0.0.1"):
        pytest.skip(f"this machine has no {host}")
    options = () if host is None else ("--host", host)
    process = command("--no-open", "--port", 0, "--model", PRESET, *options)
    try:
        line = process.stdout.readline()
        address, port = re.fullmatch(r"(http://.+:(\d+)/) \(Ctrl-C stops\)\n", line).groups()
        assert address == f"http://{printed}:{port}/"
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=10)
        connection.request("GET", "/")
        assert b"Facial landmarks" in connection.getresponse().read()
        connection.close()
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130
    assert ("note: anyone who can reach" in error) is warned
    if warned:
        assert f" {place(host, port)} can open" in error


def listenable(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True


def command(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "keras_fld", "web", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        preexec_fn=heed_interrupts,
    )
