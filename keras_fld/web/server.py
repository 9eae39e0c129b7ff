"""The page's server, which serves a fixed table of files, by default on the loopback address."""

import gzip
import hashlib
import ipaddress
import socket
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from keras_fld.web.files import DEFAULT_PRESET, page_files

# index.html contains the same policy, for servers that send no headers.
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "img-src 'self' blob:; media-src blob:; connect-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)
HEADERS = {
    "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
    # For isolated pages, the clock has a resolution of 5 microseconds instead of 100.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # The model at an address may change, so browsers must revalidate their cache.
    "Cache-Control": "no-cache",
}


def make_server(model=DEFAULT_PRESET, host="127.0.0.1", port=0):
    """Creates a server for the page.

    Args:
        model: the name of a preset, or the path of a `.tflite` file.
        host: address or name to listen on, IPv4 or IPv6; "0.0.0.0" is all networks of the machine.
        port: port number; 0 picks a free one.

    Returns:
        A listening `http.server.ThreadingHTTPServer`. Call `serve_forever()` to answer requests.

    Raises:
        ValueError: the page cannot run the model, or the address cannot be used.

    Examples:
        >>> with make_server("face.tflite") as server:
        ...     server.serve_forever()
    """
    handler = type("Handler", (_Handler,), {"files": _tagged(page_files(model))})
    try:
        return (_Server6 if ":" in host else _Server)((host, port), handler)
    # An invalid host name raises a UnicodeError.
    except (OSError, OverflowError, UnicodeError) as error:
        raise ValueError(f"cannot listen on {place(host, port)} ({error})") from error


def place(host, port):
    """Returns host and port as in a URL, with an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def page_address(server, host):
    """Returns the URL of the page on this machine.

    Args:
        server: the result of `make_server`.
        host: the host passed to it.

    Returns:
        A URL with "localhost", which browsers trust, if this reaches the server; otherwise with the
        host.

    Examples:
        >>> page_address(make_server(host="::1", port=8068), "::1")
        'http://[::1]:8068/'
    """
    listens = _listens(server)
    if listens.is_unspecified or listens == ipaddress.ip_address("127.0.0.1"):
        host = "localhost"
    return f"http://{place(host, server.server_port)}/"


def reached_by_others(server):
    """Whether other machines can open the page."""
    return not _listens(server).is_loopback


def _listens(server):
    # The address that a name such as localhost resolves to.
    return ipaddress.ip_address(server.server_address[0])


class _Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Ignores connections dropped by a browser, as on reload; they are not server errors."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Server6(_Server):
    address_family = socket.AF_INET6


def _tagged(files):
    """Each file with its ETag."""
    return {
        address: (file, f'"{hashlib.sha256(file.content).hexdigest()[:20]}"')
        for address, file in files.items()
    }


class _Handler(BaseHTTPRequestHandler):
    # Paths are looked up here and never joined to a folder, so they cannot escape it.
    files: dict = {}
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "keras-fld", ""
    # Without a timeout, an idle connection would block its thread forever.
    timeout = 60

    def do_GET(self):
        file, tag = self.files.get(urlsplit(self.path).path, (None, None))
        if file is None:
            self._send(HTTPStatus.NOT_FOUND, b"not found\n", "text/plain")
        elif self.headers.get("If-None-Match") == tag:
            self._send(HTTPStatus.NOT_MODIFIED, b"", file.media_type, {"ETag": tag})
        else:
            content, extra = file.content, {"ETag": tag}
            if file.gzipped:
                extra["Vary"] = "Accept-Encoding"
                if "gzip" in self.headers.get("Accept-Encoding", ""):
                    extra["Content-Encoding"] = "gzip"
                else:
                    content = gzip.decompress(content)
            self._send(HTTPStatus.OK, content, file.media_type, extra)

    do_HEAD = do_GET

    def _send(self, status, content, media_type, extra=None):
        self.send_response(status)
        headers = {**HEADERS, "Content-Type": media_type, **(extra or {})}
        if status != HTTPStatus.NOT_MODIFIED:
            headers["Content-Length"] = len(content)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *arguments):
        """Does nothing: the terminal shows only errors."""
