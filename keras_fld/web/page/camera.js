// The camera as a video element, and its frames one by one.

export class Camera {
  #stream = null;
  #facing = "user";

  /** @param onStop called when the camera was stopped, or stopped by itself */
  constructor(onStop) {
    this.video = document.createElement("video");
    this.video.muted = this.video.playsInline = true;
    this.running = false;
    this.onStop = onStop;
  }

  /** Asks for the camera; throws an Error that says what the user can do. */
  async start() {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Error("A browser gives its camera to https and localhost pages alone.");
    }
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: { facingMode: this.#facing, width: { ideal: 640 }, height: { ideal: 480 } },
      });
    } catch (error) {
      throw new Error({
        NotAllowedError: "The camera is not allowed for this page; allow it in the address bar.",
        NotFoundError: "No camera was found.",
        NotReadableError: "The camera is used by another program.",
      }[error.name] ?? `The camera cannot be used (${error.message}).`);
    }
    this.video.srcObject = this.#stream;
    await this.video.play();
    this.running = true;
    // A camera that is pulled out ends by itself.
    this.#stream.getTracks()[0].addEventListener("ended", () => this.stop());
  }

  stop() {
    this.#close();
    if (!this.running) return;
    this.running = false;
    this.onStop();
  }

  /** From the front camera to the back one, or the other way. */
  async turn() {
    this.#facing = this.#facing === "user" ? "environment" : "user";
    this.#close();
    try {
      await this.start();
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  #close() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = this.video.srcObject = null;
  }

  async several() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.filter((device) => device.kind === "videoinput").length > 1;
  }

  /** Resolves at the next frame; a frame that was not waited for is dropped. */
  frame() {
    return new Promise((resolve) => {
      if (this.video.requestVideoFrameCallback) {
        this.video.requestVideoFrameCallback(resolve);
        setTimeout(resolve, 500); // a stopped camera sends no frame
      } else requestAnimationFrame(resolve);
    });
  }
}
