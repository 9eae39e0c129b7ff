// The square pictures that a network gets of a photograph: the whole, and overlapping tiles, as in
// keras_fld/predict/detectors/blazeface/tiles.py.

import { resize, roundEven } from "./resize.js";

// Size in a tile, in pixels, from which on a face is detected reliably.
export const LEAST = 20;
// Neighboring tiles overlap by a quarter of their side.
const SHARED = 4;
// A level must be more than this much finer than the whole picture.
const COARSE = 1.25;

/**
 * The longer sides to which a photograph is reduced, the largest first.
 *
 * @param longer the photograph's longer side
 * @param size side of a tile
 * @param minFace smallest face to find, as a share of the photograph's longer side
 */
export function levelSides(longer, size, minFace) {
  const found = [];
  for (let side = Math.min(LEAST / minFace, longer); side > COARSE * size; side /= 2) {
    found.push(roundEven(side));
  }
  return [...found, size];
}

/**
 * The tiles of a photograph reduced to each of these sides, the largest first.
 *
 * @param photo {width, height, data}, RGBA
 * @returns an iterator of {pixels, toPhoto, low, high}: size * size * 3 bytes, RGB, black outside
 *     the photograph; the matrix to the photograph's pixels; and the limits [x, y] in the tile
 *     between which a face is complete, infinite at the photograph's own edges
 */
export function* tiles(photo, size, sides) {
  let level = photo;
  for (const side of sides) {
    const scale = side / Math.max(photo.width, photo.height);
    const width = Math.max(1, roundEven(photo.width * scale));
    const height = Math.max(1, roundEven(photo.height * scale));
    level = resize(level, width, height); // from the one before
    const fx = photo.width / width, fy = photo.height / height;
    for (const y of starts(height, size)) {
      for (const x of starts(width, size)) {
        yield {
          pixels: cut(level, x, y, size),
          // Pixel centers are at whole numbers, so a reduction moves them by half a pixel.
          toPhoto: [fx, 0, (x + 0.5) * fx - 0.5, 0, fy, (y + 0.5) * fy - 0.5],
          low: [x, y].map((start) => (start <= 0 ? -Infinity : -0.5)),
          high: [x + size >= width, y + size >= height].map((end) => (end ? Infinity : size - 0.5)),
        };
      }
    }
  }
}

function cut({ data, width, height }, left, top, size) {
  const out = new Uint8Array(size * size * 3);
  for (let y = Math.max(top, 0); y < Math.min(top + size, height); y++) {
    for (let x = Math.max(left, 0); x < Math.min(left + size, width); x++) {
      const from = 4 * (y * width + x), to = 3 * ((y - top) * size + x - left);
      for (let k = 0; k < 3; k++) out[to + k] = data[from + k];
    }
  }
  return out;
}

/** Where tiles begin along a side: evenly; below 0 a level smaller than the tile is centered. */
function starts(side, size) {
  if (side <= size) return [-Math.floor((size - side) / 2)];
  const shared = Math.floor(size / SHARED), count = Math.ceil((side - shared) / (size - shared));
  return Array.from({ length: count }, (_, i) => roundEven(i * ((side - size) / (count - 1))));
}
