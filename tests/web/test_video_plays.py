"""The videos that are written, played by a browser."""

import base64

import pytest

from keras_fld.predict.media import VideoFile, VideoWriter
from tests.predict.media.films import FPS, film

# Plays a video to its end, and says what it showed.
PLAY = """async (url) => {
  const video = document.createElement("video");
  document.body.append(video);
  video.muted = true;
  video.src = url;
  await new Promise((done, fail) => {
    video.onended = done;
    video.onerror = () => fail(new Error(video.error.message));
    video.play().catch(fail);
  });
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const picture = canvas.getContext("2d");
  picture.drawImage(video, 0, 0);
  const { data } = picture.getImageData(0, 0, canvas.width, canvas.height);
  return { width: video.videoWidth, height: video.videoHeight, duration: video.duration,
    heard: video.webkitAudioDecodedByteCount, shown: Array.from(data.slice(0, 3)) };
}"""


@pytest.mark.parametrize("name", ["out.mp4", "out.webm"])
def test_a_browser_plays_it_with_its_sound(browser, tmp_path, name):
    video = VideoFile(film(tmp_path / "film.mkv", 25, sound="pcm_s16le"), sound=True)
    with VideoWriter(tmp_path / name, (65, 48), video.fps, sound=video.sound) as writer:
        for number, time, picture in video:
            picture[:] = (200, 60, 40) if number > 20 else (20, 60, 160)
            writer.write(time, picture)
    data = base64.b64encode((tmp_path / name).read_bytes()).decode()
    page = browser.new_page()
    found = page.evaluate(PLAY, f"data:video/{name.rpartition('.')[2]};base64,{data}")
    page.close()
    assert (found["width"], found["height"]) == (66, 48)
    assert abs(found["duration"] - 25 / FPS) < 0.1 and found["heard"] > 0
    assert max(abs(a - b) for a, b in zip(found["shown"], (200, 60, 40), strict=True)) < 12
