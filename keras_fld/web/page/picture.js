// The pixels of a photo, or of the current frame of a camera or video.

// The largest canvas that every phone supports; a 64-pixel crop gains nothing from more.
const MOST_PIXELS = 4096 * 4096;

export class Picture {
  constructor() {
    this.canvas = document.createElement("canvas");
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.name = null;
    this.scale = 1;
  }

  get width() { return this.canvas.width; }
  get height() { return this.canvas.height; }

  /** Reads an image file, upright. */
  async open(file) {
    // The model was trained on the stored values, without color profiles.
    const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
    const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (bitmap.width * bitmap.height)));
    this.take(bitmap, Math.floor(bitmap.width * scale), Math.floor(bitmap.height * scale));
    this.scale = this.width / bitmap.width;
    this.name = file.name;
    bitmap.close();
  }

  /** Copies what a video or another image shows. */
  take(source, width, height) {
    this.#resize(width, height);
    this.context.imageSmoothingQuality = "high";
    // As in Python, transparent pixels are drawn on white.
    this.context.fillStyle = "white";
    this.context.fillRect(0, 0, width, height);
    this.context.drawImage(source, 0, 0, width, height);
  }

  /** Copies the colors of an ImageData. */
  put(pixels) {
    this.#resize(pixels.width, pixels.height);
    this.context.putImageData(pixels, 0, 0);
  }

  #resize(width, height) {
    this.scale = 1;
    if (this.width !== width || this.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
  }

  /** Converts a point to pixels of the file. */
  original([x, y]) {
    return [(x + 0.5) / this.scale - 0.5, (y + 0.5) / this.scale - 0.5];
  }

  /** RGBA bytes of a rectangle, for geometry.warp. */
  read(x, y, width, height) {
    return this.context.getImageData(x, y, width, height).data;
  }
}
