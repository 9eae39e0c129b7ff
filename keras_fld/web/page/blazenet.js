// BlazeFace's networks: a square picture in, faces out, as in
// keras_fld/predict/detectors/blazeface/network.py.
//
// A face is {points, side, score}. The points are the center of its square, the eye that is on the
// left if the face is upright, the other eye, the tip of the nose, the mouth, and the ears in the order of the eyes.
// `side` is the square's side; the score is between 0 and 1.

import { boxAround, overlap, transform } from "./geometry.js";
import { compile, load, run } from "./runtime.js";

// Squares that overlap by more show the same face.
const SAME = 0.3;
// Each network's input side, and its grids: cells in a row, and anchors in each cell.
const NETWORKS = {
  short: { size: 128, grids: [[16, 2], [8, 6]] },
  full: { size: 192, grids: [[48, 1]] },
};
// The value from -1 to 1 that the networks take for each byte.
const NUMBERS = Float32Array.from(
  { length: 256 }, (_, byte) => Math.fround(byte * Math.fround(2 / 255)) - 1);

export class BlazeNet {
  /**
   * @param name "short", which detects large faces, or "full", which detects smaller ones
   * @param address URL of its .tflite file
   */
  static async load(name, address) {
    const response = await load(address);
    return new BlazeNet(await compile(await response.arrayBuffer()), NETWORKS[name]);
  }

  constructor(model, { size, grids }) {
    this.model = model;
    this.size = size;
    this.anchors = grids.flatMap(([cells, each]) => anchors(cells, each));
  }

  /**
   * Finds the faces in a picture, highest score first, without duplicates.
   *
   * @param pixels size * size * 3 bytes, RGB
   * @param least lowest score of a face
   */
  async find(pixels, least) {
    const { size } = this, input = Float32Array.from(pixels, (byte) => NUMBERS[byte]);
    const outputs = await run(this.model, input, [1, size, size, 3]);
    const [scores, numbers] = outputs.sort((a, b) => a.length - b.length);
    const found = [];
    this.anchors.forEach(([x, y], i) => {
      const score = 1 / (1 + Math.exp(-scores[i]));
      if (score < least) return;
      // Center, width and height, six points; pixel centers are at halves in the files.
      const pair = (k) => [numbers[16 * i + 2 * k], numbers[16 * i + 2 * k + 1]];
      const points = [0, 2, 3, 4, 5, 6, 7].map(pair)
        .map(([dx, dy]) => [dx + x * size - 0.5, dy + y * size - 0.5]);
      found.push({ points, side: (pair(1)[0] + pair(1)[1]) / 2, score });
    });
    return best(found);
  }
}

/** Centers of a grid's cells, row by row, as fractions of the side. */
function anchors(cells, each) {
  return Array.from({ length: cells * cells * each }, (_, i) => {
    const cell = Math.floor(i / each);
    return [((cell % cells) + 0.5) / cells, (Math.floor(cell / cells) + 0.5) / cells];
  });
}

const square = ({ points, side }) => boxAround(points[0], side, side);

/** Whether two detections show the same face. */
export const same = (one, other) => overlap(square(one), square(other)) >= SAME;

/** Keeps the detection with the highest score of each face. */
export function best(faces) {
  const kept = [];
  for (const face of [...faces].sort((a, b) => b.score - a.score)) {
    if (!kept.some((other) => same(face, other))) kept.push(face);
  }
  return kept;
}

/** A face mapped by a similarity transform. */
export function moved({ points, side, score }, matrix) {
  const [a, b, , d, e] = matrix, scale = Math.sqrt(Math.abs(a * e - b * d));
  return { points: points.map((point) => transform(point, matrix)), side: side * scale, score };
}

/**
 * The rotation of a face.
 *
 * The line between the eyes and the line from the eyes to the mouth are perpendicular. The longer one
 * gets more weight: in a profile the eyes nearly coincide.
 */
export function angle({ points: [, right, left, , mouth] }) {
  const down = [0, 1].map((k) => mouth[k] - (right[k] + left[k]) / 2);
  return Math.atan2(left[1] - right[1] - down[0], left[0] - right[0] + down[1]);
}
