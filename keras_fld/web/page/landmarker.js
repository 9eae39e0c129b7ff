// A model in the browser: crops in, landmarks out. LiteRT runs it in WebAssembly.

import { loadAndCompile, loadLiteRt, Tensor } from "./litert/core.js";
import { frameMatrix, invert, landmarkBox, transform, warp } from "./geometry.js";
import { readMetadata } from "./metadata.js";

// From a detector's or a hand's box, the second and third pass see the box of the landmarks before:
// on 300W the error falls by 8 % from a detector's box, by 18 % from a rough one.
export const PASSES = 3;

export class Landmarker {
  /** Loads LiteRT and the model's bytes, an ArrayBuffer. */
  static async load(bytes) {
    const about = readMetadata(bytes);
    await loadLiteRt(new URL("litert/", document.baseURI).pathname);
    return new Landmarker(about, await loadAndCompile(new Uint8Array(bytes), { accelerator: "wasm" }));
  }

  constructor(about, model) {
    this.about = about;
    this.frame = about.input;
    this.model = model;
  }

  /**
   * One face, from a box.
   *
   * @param photo as geometry.warp takes it
   * @param passes how often the box is taken anew from the landmarks, and 1
   * @returns {box, landmarks, crop, milliseconds}: the last pass's box, (landmarks, 2) photograph
   *     pixels, RGB bytes, and what cropping and the network took in the last pass
   */
  async detect(photo, box, passes = 1) {
    let face;
    for (let i = 0; i < passes; i++) {
      const matrix = frameMatrix(this.frame, box), back = invert(matrix);
      const start = performance.now();
      const crop = warp(photo, matrix, this.frame.size);
      const cropped = performance.now();
      const points = await this.predict(crop);
      const end = performance.now();
      const landmarks = points.map((point) => transform(point, back));
      const milliseconds = { crop: cropped - start, network: end - cropped, face: end - start };
      face = { box, landmarks, crop, milliseconds };
      box = landmarkBox(landmarks);
    }
    return face;
  }

  /** Landmarks of a crop, [x, y] in its pixels. */
  async predict(crop) {
    const { size, dtype, scale, zero_point: zero } = this.frame;
    const numbers = dtype === "uint8" && scale === 1 && zero === 0 ? crop
      : (dtype === "uint8" ? Uint8ClampedArray : Float32Array).from(crop, (v) => v / scale + zero);
    const input = new Tensor(dtype === "uint8" ? new Uint8Array(numbers.buffer) : numbers,
      [1, size, size, 3]);
    const [output] = await this.model.run(input);
    try {
      const { scale: unit, zero_point: origin } = this.about.output;
      const flat = await output.data();
      return Array.from({ length: flat.length / 2 },
        (_, i) => [unit * (flat[2 * i] - origin), unit * (flat[2 * i + 1] - origin)]);
    } finally {
      input.delete();
      output.delete();
    }
  }
}
