// One face through a video: its next box is that of its last landmarks.

import { landmarkBox } from "./geometry.js";
import { PASSES } from "./landmarker.js";

// A network of landmarks finds some on a wall too; so the detector has a second look now and then.
const SEARCH_EVERY = 100, LOOK_EVERY = 1000, LOST_AFTER = 4000;
const SEARCHED = 320, SMALLEST_SEARCHED = 40, SMALLEST = 16, SAME = 0.3;

export class Tracker {
  #seen = 0;
  #looked = 0;
  #looking = false;
  #candidate = null;

  constructor(landmarker, detector) {
    this.landmarker = landmarker;
    this.detector = detector;
    this.face = null;
    this.byHand = false;
  }

  /** Starts at a box; one drawn by hand is kept until the face leaves the picture. */
  async start(picture, box, byHand) {
    this.face = await this.landmarker.detect(picture, box, PASSES);
    this.byHand = byHand;
    this.#seen = performance.now();
  }

  /** The face in the next frame, or null. */
  async next(picture) {
    this.#look(picture);
    if (!this.face) return null;
    const box = landmarkBox(this.face.landmarks);
    const late = !this.byHand && this.detector && performance.now() - this.#seen > LOST_AFTER;
    this.face = late || !plausible(box, picture) ? null : await this.landmarker.detect(picture, box);
    return this.face;
  }

  /** Asks the detector, without waiting for it. */
  async #look(picture) {
    const now = performance.now();
    if (!this.detector || this.#looking) return;
    if (now - this.#looked < (this.face ? LOOK_EVERY : SEARCH_EVERY)) return;
    this.#looked = now;
    this.#looking = true;
    try {
      const boxes = await this.detector.find(picture, SEARCHED, SMALLEST_SEARCHED);
      const box = this.face && landmarkBox(this.face.landmarks);
      if (box && boxes.some((found) => overlap(found, box) > SAME)) {
        this.#seen = now;
        this.#candidate = null;
      } else if (!this.byHand || !this.face) await this.#consider(picture, boxes);
    } finally {
      this.#looking = false;
    }
  }

  /** Starts at a face that two searches found in a row: a single one may be a shadow's. */
  async #consider(picture, boxes) {
    const again = boxes.find((box) => this.#candidate && overlap(box, this.#candidate) > SAME);
    this.#candidate = boxes[0] ?? null;
    if (again) await this.start(picture, again, false);
  }
}

function plausible([x, y, width, height], picture) {
  const center = [x + width / 2, y + height / 2], side = Math.max(width, height);
  return center[0] >= 0 && center[1] >= 0 && center[0] < picture.width && center[1] < picture.height
    && side >= SMALLEST && side <= 1.5 * Math.max(picture.width, picture.height);
}

/** Intersection over union. */
function overlap([x, y, w, h], [x2, y2, w2, h2]) {
  const across = Math.max(0, Math.min(x + w, x2 + w2) - Math.max(x, x2));
  const down = Math.max(0, Math.min(y + h, y2 + h2) - Math.max(y, y2));
  return (across * down) / (w * h + w2 * h2 - across * down);
}
