// What moves: the camera or a video file in a video element, and its frames one by one.

export class Film {
  #stream = null;
  #address = null;
  #facing = "user";
  #device = null;

  /** @param onStop called with "camera" or "video" when it stopped or ended */
  constructor(onStop) {
    this.video = document.createElement("video");
    this.video.muted = this.video.playsInline = true;
    this.video.addEventListener("ended", () => this.stop());
    this.onStop = onStop;
    /** "camera", "video", or null while nothing runs. */
    this.kind = null;
  }

  get running() { return this.kind !== null; }

  /** Asks for the camera; throws an Error that says what the user can do. */
  async startCamera() {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Error("Browsers allow the camera on https and localhost pages only.");
    }
    const which = this.#device ? { deviceId: { exact: this.#device } }
      : { facingMode: this.#facing };
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: { ...which, width: { ideal: 640 }, height: { ideal: 480 } },
      });
    } catch (error) {
      throw new Error({
        NotAllowedError: "This page may not use the camera. Allow it in the address bar.",
        NotFoundError: "No camera was found.",
        NotReadableError: "Another program is using the camera.",
      }[error.name] ?? `The camera cannot be used (${error.message}).`);
    }
    this.video.srcObject = this.#stream;
    await this.video.play();
    this.kind = "camera";
    // The track of a camera that is unplugged ends.
    this.#track.addEventListener("ended", () => this.stop());
  }

  /** Plays a video file, without its sound. */
  async openVideo(file) {
    this.#address = URL.createObjectURL(file);
    this.video.src = this.#address;
    try {
      await this.video.play();
    } catch (error) {
      this.#close();
      throw new Error(`${file.name}: this browser cannot play the video`, { cause: error });
    }
    if (!this.video.videoWidth) {
      this.#close();
      throw new Error(`${file.name}: the file has no picture`);
    }
    this.kind = "video";
  }

  stop() {
    const { kind } = this;
    this.#close();
    if (!kind) return;
    this.kind = null;
    this.onStop(kind);
  }

  /** Switches between the front and the back camera, or to the next one where neither is known. */
  async turn() {
    const { facingMode, deviceId } = this.#track.getSettings();
    if (facingMode === "user" || facingMode === "environment") {
      this.#facing = facingMode === "user" ? "environment" : "user";
      this.#device = null;
    } else {
      const ids = (await cameras()).map((camera) => camera.deviceId);
      this.#device = ids[(ids.indexOf(deviceId) + 1) % ids.length];
    }
    this.#close();
    try {
      await this.startCamera();
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  /** What `turn` does, as its button says it; null where there is only one camera. */
  async turnName() {
    if ((await cameras()).length < 2) return null;
    const { facingMode } = this.#track.getSettings();
    return { user: "Back camera", environment: "Front camera" }[facingMode] ?? "Next camera";
  }

  get #track() { return this.#stream.getVideoTracks()[0]; }

  #close() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = this.video.srcObject = null;
    if (this.#address) {
      this.video.removeAttribute("src");
      URL.revokeObjectURL(this.#address);
      this.#address = null;
    }
  }

  /** Resolves at the next frame; a frame that nothing waited for is skipped. */
  frame() {
    return new Promise((resolve) => {
      if (this.video.requestVideoFrameCallback) {
        this.video.requestVideoFrameCallback(resolve);
        setTimeout(resolve, 500); // a stopped camera sends no frame
      } else requestAnimationFrame(resolve);
    });
  }
}

const cameras = async () => (await navigator.mediaDevices.enumerateDevices())
  .filter((device) => device.kind === "videoinput");
