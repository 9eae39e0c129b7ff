// Rounding of the detector's intermediate and final results, as in
// keras_fld/predict/detectors/blazeface/grid.py, which explains it.

import { roundEven } from "./resize.js";

const STEPS = 512, TURN = 1 / 256;

/** A coordinate or a length, rounded to the grid of a face whose square has this side. */
export function onGrid(pixels, side) {
  const step = 2 ** Math.floor(Math.log2(Math.abs(side))) / STEPS;
  return roundEven(pixels / step) * step;
}

/** An angle in radians, rounded. */
export const turnOnGrid = (angle) => (Math.floor(angle / TURN) + 0.5) * TURN;
