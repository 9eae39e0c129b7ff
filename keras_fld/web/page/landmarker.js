// A model in the browser: crops in, landmarks out.

import {
  cropShift, frameMatrix, inFace, invert, lineAngle, transform, uprightBox, warp,
} from "./geometry.js";
import { readMetadata } from "./metadata.js";
import { compile, run } from "./runtime.js";

// As in Python: after the first pass on a detected or drawn box, the second pass uses the box around
// the landmarks, which fits better. A pass whose crop would show the face alike is skipped: one whose
// corners are at most so far from the last one's, in sides of a crop.
export const PASSES = 2;
const ALIKE = 0.06;
// Landmarks are float32, as in Python, so that the next pass cuts the same crop.
const f32 = Math.fround;

export class Landmarker {
  /** Loads a model from the bytes of its file, an ArrayBuffer. */
  static async load(bytes) {
    return new Landmarker(readMetadata(bytes), await compile(bytes));
  }

  constructor(about, model) {
    this.about = about;
    this.frame = about.input;
    this.model = model;
  }

  /**
   * Finds the landmarks of one face.
   *
   * @param photo as geometry.warp takes it
   * @param place {box, angle} of the face
   * @param passes largest number of runs; each but the first takes the place from the landmarks before
   * @returns {box, angle, landmarks, crop, milliseconds}: the place of the last pass, (landmarks, 2)
   *     photograph pixels, RGB bytes, and the times of cropping and the network in the last pass
   */
  async detect(photo, place, passes = 1) {
    const { size } = this.frame;
    let face, last;
    for (let i = 0; i < passes; i++) {
      const { box, angle } = face ? this.place(face) : place;
      const matrix = frameMatrix(this.frame, box, angle), back = invert(matrix);
      if (face && cropShift(matrix, last, size) <= ALIKE) break;
      last = matrix;
      const start = performance.now();
      const crop = warp(photo, matrix, size);
      const cropped = performance.now();
      const points = await this.predict(crop);
      const end = performance.now();
      const landmarks = points.map((point) => transform(point, back).map(f32));
      const milliseconds = { crop: cropped - start, network: end - cropped, face: end - start };
      face = { box, angle, landmarks, crop, milliseconds };
    }
    return face;
  }

  /** Faces that a detector finds, each as the place of the model's landmarks; see BlazeFace.find. */
  async find(detector, photo, smallest) {
    return (await detector.find(photo, smallest)).map((place) => this.inFace(place));
  }

  /** The place of the model's landmarks in that of a whole face, as detectors give it. */
  inFace(place) {
    const part = this.about.box_in_face;
    return part ? { ...place, box: inFace(place, part) } : place;
  }

  /** {box, angle} of a face from its landmarks; the angle is that of the line through the eyes. */
  place({ landmarks, angle }) {
    const { inter_pupil: eyes } = this.about.normalizers ?? {};
    if (eyes) {
      const [first, second] = eyes.map((group) => mean(group.map((i) => landmarks[i])));
      const turn = lineAngle(first, second);
      // A scheme may name the eyes from either side.
      angle = Math.cos(turn - angle) < 0 ? lineAngle(second, first) : turn;
    }
    return { box: uprightBox(landmarks, angle), angle };
  }

  /** Landmarks of a crop, [x, y] in its pixels. */
  async predict(crop) {
    const { size, dtype, scale, zero_point: zero } = this.frame;
    const numbers = dtype === "uint8" && scale === 1 && zero === 0 ? crop
      : (dtype === "uint8" ? Uint8ClampedArray : Float32Array).from(crop, (v) => v / scale + zero);
    const input = dtype === "uint8" ? new Uint8Array(numbers.buffer) : numbers;
    const [flat] = await run(this.model, input, [1, size, size, 3]);
    const { scale: unit, zero_point: origin } = this.about.output;
    return Array.from({ length: flat.length / 2 },
      (_, i) => [unit * (flat[2 * i] - origin), unit * (flat[2 * i + 1] - origin)]);
  }
}

const mean = (points) => [0, 1].map(
  (k) => f32(points.reduce((sum, point) => f32(sum + point[k]), 0) / points.length));
