// The face detector: the same networks and steps as keras_fld/predict/detectors/blazeface.
//
// Step 1 proposes faces: the short-range network on the whole picture, the full-range network on the
// whole picture and on tiles. Step 2 runs the short-range network on an upright, large crop of each
// proposal and drops those that are not faces. Step 3 runs it once more on a wider crop, which gives
// the most accurate points. A large face with a high score in step 1 skips steps 2 and 3, and if
// there is one, no tiles are searched.

import { BlazeNet, angle, best, moved, same } from "./blazenet.js";
import { boxAround, frameMatrix, invert, rotation, transform, warp } from "./geometry.js";
import { onGrid, turnOnGrid } from "./grid.js";
import { load, pause } from "./runtime.js";
import { LEAST, levelSides, tiles } from "./tiles.js";

// Lowest scores in step 1 and in step 2.
const PROPOSED = 0.3, THRESHOLD = 0.7;
// Sides of the crops in steps 2 and 3, in sides of the face's square.
const JUDGED = 1.5, MEASURED = 2.0;
// The short-range network detects faces from this share of the longer side on in one run.
export const LARGE = LEAST / 128;
// Smallest face that is searched for in photographs: SMALLEST, or LARGE if there is a sure face of
// at least CLOSE. All are shares of the longer side.
const SMALLEST = 0.03, CLOSE = 0.2;
// Score of a sure face in step 1.
const SURE = 0.85;
// Radians. A face rotated by more is detected better after it is turned upright.
const UPRIGHT = Math.PI / 6;
const FILES = {
  short: "blazeface/face_detection_short_range.tflite",
  full: "blazeface/face_detection_full_range.tflite",
  maps: "blazeface/box_maps.json",
};

export class BlazeFace {
  /**
   * Loads the networks, and the map from their points to face boxes.
   *
   * @param files URLs of the two networks and of the map
   */
  static async load(files = FILES) {
    const [short, full, maps] = await Promise.all([
      BlazeNet.load("short", files.short), BlazeNet.load("full", files.full), load(files.maps)]);
    return new BlazeFace(short, full, (await maps.json()).blazeface.coefficients);
  }

  constructor(short, full, coefficients) {
    this.short = short;
    this.full = full;
    this.coefficients = coefficients;
  }

  /**
   * Finds the faces in a photograph, largest first.
   *
   * @param photo as geometry.warp takes it
   * @param smallest side of the smallest face to find, as a share of the photo's longer side;
   *     SMALLEST or LARGE by default, as above
   * @returns an array of {box, angle, score}: the tight box and the rotation, as in geometry.js
   */
  async find(photo, smallest) {
    const { width, height } = photo, longer = Math.max(width, height);
    const whole = { width, height, data: photo.read(0, 0, width, height) };
    const first = await seen(this.short, whole, [this.short.size]);
    const close = first.filter((face) => face.score >= SURE && face.side >= CLOSE * longer
      && Math.abs(angle(face)) <= UPRIGHT);
    let proposals = first;
    if ((smallest ?? (close.length ? LARGE : SMALLEST)) < LARGE) {
      const sides = levelSides(longer, this.full.size, smallest ?? SMALLEST);
      proposals = best([...first, ...await seen(this.full, whole, sides)]);
    }
    const faces = [...close];
    for (const proposal of proposals) {
      if (close.some((face) => same(face, proposal))) continue;
      const judged = await this.#look(photo, proposal, JUDGED);
      if (!judged || judged.score < THRESHOLD) continue;
      const measured = await this.#look(photo, judged, MEASURED) ?? judged;
      faces.push({ ...measured, score: judged.score });
    }
    return best(faces)
      .map((face) => ({
        box: this.#box(face).map((v) => onGrid(v, face.side)),
        angle: turnOnGrid(angle(face)),
        score: face.score,
      }))
      .sort((a, b) => b.box[2] * b.box[3] - a.box[2] * a.box[3]);
  }

  /** Detects a face again in an upright, large crop; undefined if there is none in the middle. */
  async #look(photo, face, margin) {
    const { size } = this.short, middle = (size - 1) / 2, reach = size / margin;
    const [x, y, side] = [...face.points[0], face.side].map((v) => onGrid(v, face.side));
    const box = boxAround([x, y], side, side);
    const matrix = frameMatrix({ size, margin }, box, turnOnGrid(angle(face)));
    const near = ({ points: [center] }) => center.every((v) => Math.abs(v - middle) < reach / 4);
    const again = (await this.short.find(warp(photo, matrix, size), PROPOSED)).find(near);
    return again && moved(again, invert(matrix));
  }

  /** The tight box: a linear map of the points, upright and relative to the square's center. */
  #box(face) {
    const { points: [center, ...points], side } = face, turn = rotation(angle(face));
    const features = points.flatMap((point) => transform(
      [0, 1].map((k) => (point[k] - center[k]) / side), invert(turn)));
    const [x, y, width, height] = [0, 1, 2, 3].map((column) => side * [...features, 1].reduce(
      (sum, feature, row) => sum + feature * this.coefficients[row][column], 0));
    const [right, down] = transform([x, y], turn);
    return boxAround([center[0] + right, center[1] + down], width, height);
  }
}

/** What a network detects in tiles of a photograph. */
async function seen(network, photo, sides) {
  const found = [];
  for (const { pixels, toPhoto, low, high } of tiles(photo, network.size, sides)) {
    const whole = ({ points: [center], side }) => center.every(
      (v, axis) => v - side / 2 >= low[axis] && v + side / 2 <= high[axis]);
    const faces = await network.find(pixels, PROPOSED);
    found.push(...faces.filter(whole).map((face) => moved(face, toPhoto)));
    await pause();
  }
  return found;
}
