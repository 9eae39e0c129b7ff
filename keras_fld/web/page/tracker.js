// Faces through a video: each face's next box is that of its last landmarks.

import { LARGE } from "./blazeface.js";
import { overlap } from "./geometry.js";
import { PASSES } from "./landmarker.js";

// A landmark network also finds landmarks on a wall, so the detector checks each face from time to
// time. In milliseconds.
const SEARCH_EVERY = 100, CHECK_EVERY = 1000, LOST_AFTER = 4000;
// A face that appears where one was lost so recently gets its number.
const KEEP = 2000;
const SMALLEST = 16, SAME = 0.3;

export class Tracker {
  #tracks = [];
  #checked = 0;
  #checking = false;
  #candidates = [];
  #lost = [];
  #ids = 0;

  /**
   * @param landmarker a Landmarker
   * @param detector a BlazeFace; without one, faces come from `start` only
   * @param most number of faces tracked at a time
   */
  constructor(landmarker, detector, most = 8) {
    this.landmarker = landmarker;
    this.detector = detector;
    this.most = most;
  }

  /**
   * Faces of the last frame, as Landmarker.detect returns them, the longest tracked first. `id` is a
   * face's number from 1, the same in every frame.
   */
  get faces() { return this.#tracks.map(({ id, face }) => ({ ...face, id })); }

  /** Starts at a {box, angle}; a box drawn by hand is kept until the face leaves the picture. */
  async start(picture, place, byHand) {
    const face = await this.landmarker.detect(picture, place, PASSES);
    const isThere = (track) => overlap(track.face.box, face.box) > SAME;
    const others = this.#tracks.filter((track) => !isThere(track));
    // A box drawn by hand replaces the oldest face where there are too many.
    const kept = byHand && others.length >= this.most ? others.slice(1) : others;
    if (kept.length >= this.most) return;
    const known = this.#tracks.find(isThere) ?? this.#lost.find(isThere);
    this.#lost = this.#lost.filter((track) => track !== known);
    this.#tracks = [...kept, { id: known?.id ?? ++this.#ids, face, byHand, seen: performance.now() }];
  }

  /** The faces in the next frame. */
  async next(picture) {
    this.#check(picture);
    for (const track of this.#tracks) {
      const place = this.landmarker.place(track.face);
      const late = !track.byHand && this.detector && performance.now() - track.seen > LOST_AFTER;
      track.lost = late || !plausible(place.box, picture);
      if (!track.lost) track.face = await this.landmarker.detect(picture, place);
    }
    const now = performance.now(), gone = this.#tracks.filter(({ lost }) => lost);
    this.#lost = this.#lost.concat(gone.map(({ id, face }) => ({ id, face, lostAt: now })))
      .filter(({ lostAt }) => now - lostAt <= KEEP);
    const kept = [];
    for (const track of this.#tracks.filter(({ lost }) => !lost)) {
      // Two tracks may end up on one face.
      const double = kept.some(({ face }) => overlap(face.box, track.face.box) > SAME);
      if (!double) kept.push(track);
    }
    this.#tracks = kept;
    return this.faces;
  }

  /** Runs the detector; the frames do not wait for it. */
  async #check(picture) {
    const now = performance.now();
    if (!this.detector || this.#checking) return;
    const settled = this.#tracks.length && !this.#candidates.length;
    if (now - this.#checked < (settled ? CHECK_EVERY : SEARCH_EVERY)) return;
    this.#checked = now;
    this.#checking = true;
    try {
      await this.#consider(picture, await this.landmarker.find(this.detector, picture, LARGE), now);
    } finally {
      this.#checking = false;
    }
  }

  /** Starts at faces that two searches in a row found: a single find may be a shadow. */
  async #consider(picture, found, now) {
    const previous = this.#candidates;
    this.#candidates = [];
    for (const place of found) {
      const tracks = this.#tracks.filter(
        ({ face }) => overlap(place.box, this.landmarker.place(face).box) > SAME);
      for (const track of tracks) track.seen = now;
      if (tracks.length || this.#tracks.length >= this.most) continue;
      if (previous.some((box) => overlap(place.box, box) > SAME)) {
        await this.start(picture, place, false);
      } else this.#candidates.push(place.box);
    }
  }
}

function plausible([x, y, width, height], picture) {
  const center = [x + width / 2, y + height / 2], side = Math.max(width, height);
  return center[0] >= 0 && center[1] >= 0 && center[0] < picture.width && center[1] < picture.height
    && side >= SMALLEST && side <= 1.5 * Math.max(picture.width, picture.height);
}
