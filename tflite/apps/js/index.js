// Facial landmarks in the browser: what index.d.ts declares.

import { BlazeFace } from "./modules/blazeface.js";
import { PASSES, Landmarker } from "./modules/landmarker.js";
import { Picture } from "./modules/picture.js";
import { load, loadRuntime } from "./modules/runtime.js";
import { Tracker } from "./modules/tracker.js";

export { drawFace } from "./modules/drawing.js";
export { readMetadata } from "./modules/metadata.js";

// Written out for bundlers, which copy files that are named this way.
const DETECTOR = {
  short: new URL("./blazeface/face_detection_short_range.tflite", import.meta.url),
  full: new URL("./blazeface/face_detection_full_range.tflite", import.meta.url),
  maps: new URL("./blazeface/box_maps.json", import.meta.url),
};

export class FaceLandmarker {
  static async load(model, { wasm, detector = true } = {}) {
    const bytes = model instanceof ArrayBuffer ? model : await (await load(model)).arrayBuffer();
    await loadRuntime(wasm);
    const landmarker = await Landmarker.load(bytes);
    return new FaceLandmarker(landmarker, detector ? await BlazeFace.load(DETECTOR) : null);
  }

  /** Not public: use `load`. */
  constructor(landmarker, detector) {
    this.landmarker = landmarker;
    this.detector = detector;
  }

  get metadata() { return this.landmarker.about; }

  async detect(source, { boxes, passes } = {}) {
    const photo = photoOf(source, new Picture());
    const places = boxes?.map((box) => placeOf(box)) ?? await this.#find(photo);
    const faces = [];
    for (const place of places) {
      const face = await this.landmarker.detect(photo, place, passes ?? (boxes ? 1 : PASSES));
      faces.push(faceOf(face, place.score));
    }
    return faces;
  }

  #find(photo) {
    if (!this.detector) {
      throw new Error("boxes must be given to a landmarker that was loaded without a detector");
    }
    return this.landmarker.find(this.detector, photo);
  }
}

export class FaceTracker {
  #landmarker;
  #most;
  #tracker;
  #picture = new Picture();
  #last = Promise.resolve();

  constructor(landmarker, { most } = {}) {
    this.#landmarker = landmarker;
    this.#most = most;
    this.reset();
  }

  next(source) {
    return this.#queue(async (tracker) => {
      const faces = await tracker.next(photoOf(source, this.#picture));
      return faces.map((face) => ({ ...faceOf(face), id: face.id }));
    });
  }

  add(source, box) {
    return this.#queue(
      (tracker) => tracker.start(photoOf(source, this.#picture), placeOf(box), true));
  }

  reset() {
    this.#tracker = new Tracker(this.#landmarker.landmarker, this.#landmarker.detector, this.#most);
  }

  /** One frame at a time: a second one would be drawn over the pixels of the first. */
  #queue(work) {
    const result = this.#last.then(() => work(this.#tracker));
    this.#last = result.catch(() => {});
    return result;
  }
}

/** The pixels of a source, as the modules read them. */
function photoOf(source, picture) {
  const width = source.naturalWidth ?? source.videoWidth ?? source.displayWidth ?? source.width;
  const height = source.naturalHeight ?? source.videoHeight ?? source.displayHeight
    ?? source.height;
  if (!(width > 0 && height > 0)) {
    throw new Error(`the picture must be loaded and not empty. Got: ${width} x ${height} pixels`);
  }
  if (source instanceof ImageData) picture.put(source);
  else picture.take(source, width, height);
  return picture;
}

function placeOf(given) {
  const { box, angle = 0 } = Array.isArray(given) ? { box: given } : given;
  if (!(box?.length === 4 && box.every(Number.isFinite) && box[2] > 0 && box[3] > 0)) {
    throw new Error("a box must be [x, y, width, height], width and height above 0. "
      + `Got: ${JSON.stringify(box)}`);
  }
  return { box, angle };
}

const faceOf = ({ box, angle, landmarks }, score = null) => ({ box, angle, landmarks, score });
