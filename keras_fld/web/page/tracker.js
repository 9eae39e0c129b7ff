// One face through a video: its next box is that of its last landmarks.

import { LARGE } from "./blazeface.js";
import { overlap } from "./geometry.js";
import { PASSES } from "./landmarker.js";

// A network of landmarks finds some on a wall too; so the detector has a second look now and then.
const SEARCH_EVERY = 100, LOOK_EVERY = 1000, LOST_AFTER = 4000;
const SMALLEST = 16, SAME = 0.3;

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

  /** Starts at a {box, angle}; a box drawn by hand is kept until the face leaves the picture. */
  async start(picture, place, byHand) {
    this.face = await this.landmarker.detect(picture, place, PASSES);
    this.byHand = byHand;
    this.#seen = performance.now();
  }

  /** The face in the next frame, or null. */
  async next(picture) {
    this.#look(picture);
    if (!this.face) return null;
    const place = this.landmarker.place(this.face);
    const late = !this.byHand && this.detector && performance.now() - this.#seen > LOST_AFTER;
    const lost = late || !plausible(place.box, picture);
    this.face = lost ? null : await this.landmarker.detect(picture, place);
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
      const found = await this.detector.find(picture, LARGE);
      const box = this.face && this.landmarker.place(this.face).box;
      if (box && found.some((other) => overlap(other.box, box) > SAME)) {
        this.#seen = now;
        this.#candidate = null;
      } else if (!this.byHand || !this.face) await this.#consider(picture, found);
    } finally {
      this.#looking = false;
    }
  }

  /** Starts at a face that two searches found in a row: a single one may be a shadow's. */
  async #consider(picture, found) {
    const again = found.find(({ box }) => this.#candidate && overlap(box, this.#candidate) > SAME);
    this.#candidate = found[0]?.box ?? null;
    if (again) await this.start(picture, again, false);
  }
}

function plausible([x, y, width, height], picture) {
  const center = [x + width / 2, y + height / 2], side = Math.max(width, height);
  return center[0] >= 0 && center[1] >= 0 && center[0] < picture.width && center[1] < picture.height
    && side >= SMALLEST && side <= 1.5 * Math.max(picture.width, picture.height);
}
