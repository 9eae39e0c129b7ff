"""Files with any name and content, and streams from a server on this machine."""

import os
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from keras_fld.predict.media import VideoFile
from keras_fld.predict.media.address import file_name, is_url, shown
from keras_fld.predict.media.opening import is_video
from tests.predict.media.films import FPS, SIZE, film, number_of, only


def numbers(path, **options):
    return [number_of(picture) for _, _, picture in VideoFile(path, **options)]


NAMES = (
    "50% off.mp4",
    "frame%03d.mp4",
    "pipe:0",
    "concat:a|b.mp4",
    "http:x.mp4",
    "a#1?b=c.mp4",
    "-i.mp4",
    "père ü 日本 \N{GRINNING FACE}.mp4",
    " .mp4",
    "no suffix",
    "wrong.jpg",
    "wrong.txt",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_only_a_name(tmp_path, monkeypatch, name):
    if os.name == "nt" and set(name) & set(':|?"'):
        pytest.skip("not a name on Windows")
    film(tmp_path / "film.mp4", 5).rename(tmp_path / name)
    assert numbers(tmp_path / name) == list(range(5))
    monkeypatch.chdir(tmp_path)
    assert numbers(name) == list(range(5))


@pytest.mark.skipif(sys.platform != "linux", reason="needs names that are not UTF-8")
def test_a_name_need_not_be_utf8(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    film(tmp_path / "film.mp4", 5).rename(path)
    assert numbers(path) == list(range(5))
    path.write_bytes(b"no video")
    with pytest.raises(ValueError, match="not a video that can be read"):
        VideoFile(path)


def test_what_is_no_video_is_a_line(tmp_path):
    whole = film(tmp_path / "a.mp4", 20).read_bytes()
    sound = film(tmp_path / "b.mkv", 20, sound="aac")
    contents = {
        "empty.mp4": (b"", r"not a video that can be read \(0 bytes\)"),
        "text.mp4": (b"just text\n" * 99, r"not a video that can be read \(990 bytes\)"),
        "half.mp4": (whole[: whole.index(b"moov") - 9], "not a video that can be read"),
        "sound.mkv": (only("audio", sound, "only.mkv"), "contains no video that can be read"),
    }
    for name, (content, rule) in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"{name}: {rule}") as error:
            VideoFile(tmp_path / name)
        assert "\n" not in str(error.value)
        assert name == "sound.mkv" or not is_video(tmp_path / name)
    for name, rule in (("none.mp4", "No such file"), ("", "Is a directory"), ("a\0b", "null")):
        with pytest.raises(ValueError, match=rule):
            VideoFile(tmp_path / name)


def test_a_file_leads_to_no_other(tmp_path):
    """A playlist sent to a server as a video must not make it read its own files."""
    secret = film(tmp_path / "secret.ts", 5)
    playlists = {
        "list.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n",
        "uri.m3u8": f"#EXTM3U\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n",
        "list.ffconcat": f"ffconcat version 1.0\nfile '{secret}'\n",
        "beside.ffconcat": "ffconcat version 1.0\nfile secret.ts\n",
    }
    for name, text in playlists.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(ValueError, match=name):
            VideoFile(tmp_path / name)
        assert not is_video(tmp_path / name)


class Server(BaseHTTPRequestHandler):
    """Serves a folder, `/live` without an end, `/stuck`, which stops sending, and `/slow`, which
    never starts."""

    folder = None
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.folder / self.path.lstrip("/").partition("?")[0]
        if self.path == "/live":
            self.begin()
            data = (self.folder / "film.ts").read_bytes()
            try:
                while True:
                    self.wfile.write(data)
            except OSError:
                return
        elif self.path == "/stuck":
            self.begin()
            self.wfile.write((self.folder / "film.ts").read_bytes())
            self.wfile.flush()
            time.sleep(20)
        elif self.path == "/ending":
            self.begin()
            self.wfile.write((self.folder / "film.ts").read_bytes())
        elif self.path == "/chunks":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            data = (self.folder / "film.ts").read_bytes()
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data))
        elif self.path == "/slow":
            time.sleep(20)
        elif path.is_file():
            self.begin(path.stat().st_size)
            self.wfile.write(path.read_bytes())
        else:
            self.send_error(404)

    def begin(self, size=None):
        self.send_response(200)
        self.send_header("Connection", "close")
        if size is not None:
            self.send_header("Content-Length", str(size))
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setattr(Server, "folder", tmp_path)
    film(tmp_path / "film.ts", 25)
    film(tmp_path / "film.mp4", 25)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_server_s_file_is_read(server):
    for name in ("film.mp4", "film.ts"):
        video = VideoFile(f"{server}/{name}?key=secret")
        found = list(video)
        assert [number_of(picture) for _, _, picture in found] == list(range(25))
        np.testing.assert_allclose([t for _, t, _ in found], np.arange(25) / FPS, atol=1e-4)
        assert video.size == SIZE


def test_a_stream_without_end_is_read_as_far_as_wanted(server):
    times = [time for _, time, _ in VideoFile(f"{server}/live", max_frames=60)]
    assert len(times) == 60 and (np.diff(times) > 0).all()


def test_a_stream_ends_where_the_server_says_so_and_else_breaks_off(server):
    assert numbers(f"{server}/chunks") == list(range(25))
    found = []
    with pytest.raises(ValueError, match=r"/ending: the stream broke off"):
        found.extend(number for number, _, _ in VideoFile(f"{server}/ending"))
    assert len(found) > 20


def test_a_stream_that_falls_silent_is_a_line(server):
    found, started = [], time.monotonic()
    with pytest.raises(ValueError, match=r"/stuck: (no picture|no answer) within 0.5 s"):
        found.extend(VideoFile(f"{server}/stuck", timeout=0.5))
    with pytest.raises(ValueError, match=r"/slow: no answer within 0.5 s"):
        VideoFile(f"{server}/slow", timeout=0.5)
    assert time.monotonic() - started < 10


def test_a_stream_that_cannot_be_read_is_a_line_without_the_password(server):
    host = server.partition("//")[2]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"127.0.0.1:{free.getsockname()[1]}"
    lines = {
        f"http://me:pw@{host}/none.mp4": f"http://{host}/none.mp4: cannot be read .*404",
        f"http://me:pw@{closed}/a": f"http://{closed}/a: cannot be read .*refused",
        f"rtsp://me:pw@{closed}/a": f"rtsp://{closed}/a: cannot be read .*refused",
        "ftp://me:pw@host/a": "ftp://host/a: the URL of a stream must begin with one of http://",
        "file:///etc/passwd": "file:///etc/passwd: the URL of a stream must begin with one of",
    }
    for url, rule in lines.items():
        with pytest.raises(ValueError, match=rule) as error:
            VideoFile(url, timeout=5)
        assert "pw" not in str(error.value) and "\n" not in str(error.value)


def test_a_server_s_playlist_does_not_lead_to_files_of_this_machine(server, tmp_path):
    text = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"
    for name, target in (("own", f"file://{tmp_path / 'film.ts'}"), ("good", "film.ts")):
        (tmp_path / f"{name}.m3u8").write_text(text.format(target))
    with pytest.raises(ValueError, match=r"own.m3u8: "):
        VideoFile(f"{server}/own.m3u8", timeout=2)
    assert numbers(f"{server}/good.m3u8", timeout=5) == list(range(25))


def test_what_a_stream_is_called():
    assert is_url("rtsp://a/b") and not is_url("C:/a.mp4") and not is_url("a.mp4")
    assert shown("rtsp://me:pw@camera:554/1?x=2") == "rtsp://camera:554/1?x=2"
    assert shown("a@b.mp4") == "a@b.mp4"
    names = {
        "http://h/a/clip.mp4?k=v": "clip.mp4",
        "rtsp://me:pw@camera:554/": "camera",
        "http://h/..%2f..%2fetc/": "etc",
        "http://h/%2e%2e": "stream",
        "http://h/a%3ab": "a_b",
    }
    assert {url: file_name(url) for url in names} == names
