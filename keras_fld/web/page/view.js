// The canvas that shows the picture with its faces.

import { drawBox, drawFace, drawGuide } from "./drawing.js";
import { frameMatrix, invert, transform } from "./geometry.js";

// A small photo is enlarged, so that lines and numbers can be read.
const SHOWN = 960;

export class View {
  constructor(canvas, picture) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.picture = picture;
  }

  /** Canvas pixels to a picture's pixel. */
  get scale() { return Math.max(1, SHOWN / Math.max(this.picture.width, this.picture.height)); }

  /** Takes over the picture's size. */
  fit() {
    this.canvas.width = this.picture.width * this.scale;
    this.canvas.height = this.picture.height * this.scale;
    this.canvas.classList.add("drawable");
  }

  /**
   * Draws the picture.
   *
   * @param faces as Landmarker.detect returns them
   * @param about the model's metadata
   * @param options as drawFace takes them
   * @param guide whether to show where to hold a face
   * @param drawn a box that the user is drawing, or null
   */
  show(faces, about, options, guide, drawn) {
    const { canvas, context, scale } = this, lines = about.lines ?? [];
    const pixel = canvas.width / Math.max(1, canvas.clientWidth);
    context.drawImage(this.picture.canvas, 0, 0, canvas.width, canvas.height);
    for (const face of faces) drawFace(context, face, lines, options, scale, pixel);
    if (guide) drawGuide(context, this.#guidePoints(about), lines, scale, pixel);
    if (drawn) drawBox(context, { box: drawn, angle: 0 }, scale, pixel, true);
  }

  /** A square box in the middle of the picture, which the guide fills. */
  middle() {
    const { width, height } = this.picture, side = Math.min(width, height) / 2;
    return [(width - 1 - side) / 2, (height - 1 - side) / 2, side, side];
  }

  /** The mean shape there. */
  #guidePoints(about) {
    const back = invert(frameMatrix(about.input, this.middle()));
    return about.mean_shape.map((point) => transform(point, back));
  }
}
