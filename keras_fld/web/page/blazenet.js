// BlazeFace's networks: a square picture in, faces out, as
// keras_fld/predict/detectors/blazeface/network.py has them.
//
// A face is {points, side, score}: its square's center, the eye on the left in an upright face, the
// other eye, the nose's tip, the mouth, and the ears in the eyes' order; the square's side; 0 to 1.

import { boxAround, overlap, transform } from "./geometry.js";
import { compile, load, run } from "./runtime.js";

// Squares that overlap by more are about one face.
const SAME = 0.3;
// Each network's side, and its cells: of a row, and anchors in each.
const NETWORKS = {
  short: { size: 128, grids: [[16, 2], [8, 6]] },
  full: { size: 192, grids: [[48, 1]] },
};
// A byte as the networks take it, from -1 to 1.
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
   * Faces of a picture, one of those about the same face, surest first.
   *
   * @param pixels size * size * 3 bytes, RGB
   * @param least score of a face
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

/** Centers of a grid's cells, row by row, as shares of the side. */
function anchors(cells, each) {
  return Array.from({ length: cells * cells * each }, (_, i) => {
    const cell = Math.floor(i / each);
    return [((cell % cells) + 0.5) / cells, (Math.floor(cell / cells) + 0.5) / cells];
  });
}

const square = ({ points, side }) => boxAround(points[0], side, side);

/** Whether the squares of two faces are about the same one. */
export const same = (one, other) => overlap(square(one), square(other)) >= SAME;

/** Of the faces whose squares are about the same one, that with the highest score. */
export function best(faces) {
  const kept = [];
  for (const face of [...faces].sort((a, b) => b.score - a.score)) {
    if (!kept.some((other) => same(face, other))) kept.push(face);
  }
  return kept;
}

/** The face where a similarity takes it. */
export function moved({ points, side, score }, matrix) {
  const [a, b, , d, e] = matrix, scale = Math.sqrt(Math.abs(a * e - b * d));
  return { points: points.map((point) => transform(point, matrix)), side: side * scale, score };
}

/**
 * How far a face is turned.
 *
 * The way from eye to eye and the way from the eyes to the mouth are at right angles, and the longer
 * tells more: in a profile the eyes nearly coincide.
 */
export function angle({ points: [, right, left, , mouth] }) {
  const down = [0, 1].map((k) => mouth[k] - (right[k] + left[k]) / 2);
  return Math.atan2(left[1] - right[1] - down[0], left[0] - right[0] + down[1]);
}
