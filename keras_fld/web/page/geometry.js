// The mapping between photograph and crop, as in keras_fld/geometry/frame.py.
//
// Pixel centers are at whole numbers in both. A matrix is [a, b, c, d, e, f], the rows of a 2x3
// matrix, and maps photograph to crop pixels. A box is [x, y, width, height]. Pictures are RGBA.
// Angles are in radians, clockwise. The box of a rotated face is that of the face after it is turned
// upright about the center of the box.

import { halved, roundEven } from "./resize.js";

/** The matrix from photograph pixels to pixels of the crop that shows a face upright. */
export function frameMatrix({ size, margin }, [x, y, width, height], angle = 0) {
  const scale = size / (margin * Math.max(width, height)), center = (size - 1) / 2;
  const cos = scale * Math.cos(angle), sin = scale * Math.sin(angle);
  const middleX = x + width / 2, middleY = y + height / 2;
  return [cos, sin, center - (cos * middleX + sin * middleY),
    -sin, cos, center - (cos * middleY - sin * middleX)];
}

/** The tight box around landmarks. */
function landmarkBox(points) {
  const xs = points.map((p) => p[0]), ys = points.map((p) => p[1]);
  const x = Math.min(...xs), y = Math.min(...ys);
  return [x, y, Math.max(Math.max(...xs) - x, 1e-6), Math.max(Math.max(...ys) - y, 1e-6)];
}

/** The box around the landmarks of a face that is rotated by an angle. */
export function uprightBox(points, angle) {
  const toPhoto = rotation(angle), back = invert(toPhoto);
  const [x, y, width, height] = landmarkBox(points.map((point) => transform(point, back)));
  return boxAround(transform([x + width / 2, y + height / 2], toPhoto), width, height);
}

/** The angle of the line from one point to another. */
export const lineAngle = ([x, y], [x2, y2]) => Math.atan2(y2 - y, x2 - x);

export const boxAround = ([x, y], width, height) => [x - width / 2, y - height / 2, width, height];

/** The box of landmarks in a face's {box, angle}; `part` is left, top, width and height in its sides. */
export function inFace({ box: [x, y, width, height], angle }, [left, top, across, down]) {
  const away = [(left + across / 2 - 0.5) * width, (top + down / 2 - 0.5) * height];
  const [right, below] = transform(away, rotation(angle));
  return boxAround([x + width / 2 + right, y + height / 2 + below], width * across, height * down);
}

/** Intersection over union of two boxes. */
export function overlap([x, y, w, h], [x2, y2, w2, h2]) {
  const across = Math.max(0, Math.min(x + w, x2 + w2) - Math.max(x, x2));
  const down = Math.max(0, Math.min(y + h, y2 + h2) - Math.max(y, y2));
  return (across * down) / (w * h + w2 * h2 - across * down);
}

/** The matrix of a rotation about 0, 0. */
export function rotation(angle) {
  const cos = Math.cos(angle), sin = Math.sin(angle);
  return [cos, -sin, 0, sin, cos, 0];
}

/** One point mapped by a matrix. */
export const transform = ([x, y], m) => [m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5]];

/** The inverse of a matrix. */
export function invert([a, b, c, d, e, f]) {
  const det = a * e - b * d;
  return [e / det, -b / det, (b * f - c * e) / det, -d / det, a / det, (c * d - a * f) / det];
}

/** The matrix that applies `before`, then `after`. */
export function compose(after, before) {
  const [a, b, c, d, e, f] = after, [p, q, r, s, t, u] = before;
  return [a * p + b * s, a * q + b * t, a * r + b * u + c,
    d * p + e * s, d * q + e * t, d * r + e * u + f];
}

/** The largest distance between a corner of a crop and the same corner of another, in sides of a crop. */
export function cropShift(matrix, other, size) {
  const back = invert(other), last = size - 1;
  return Math.max(...[[0, 0], [last, 0], [0, last], [last, last]].map((corner) => {
    const [x, y] = transform(transform(corner, back), matrix);
    return Math.hypot(x - corner[0], y - corner[1]);
  })) / size;
}

/**
 * Cuts a square crop. Pixels outside the photograph are black.
 *
 * A photograph of more than twice the crop's scale is first halved, until it is not: a plain warp
 * would alias. Only the pixels under the crop are read.
 *
 * @param photo {width, height, read(x, y, width, height)}, where read gives RGBA bytes
 * @returns Uint8Array of size * size * 3, RGB
 */
export function warp(photo, matrix, size) {
  let scale = Math.sqrt(Math.abs(matrix[0] * matrix[4] - matrix[1] * matrix[3]));
  const [left, top, width, height] = region(photo, invert(matrix), size, 2 / Math.min(scale, 1));
  if (!width || !height) return new Uint8Array(size * size * 3);
  let picture = { width, height, data: photo.read(left, top, width, height) };
  let toCrop = compose(matrix, [1, 0, left, 0, 1, top]);
  for (; scale < 0.5 && Math.min(picture.width, picture.height) > 1; scale *= 2) {
    picture = halved(picture);
    toCrop = compose(toCrop, [2, 0, 0.5, 0, 2, 0.5]);
  }
  return bilinear(picture, invert(toCrop), size);
}

/** The part of the photograph under the crop, as a box. */
function region(photo, toPhoto, size, pad) {
  const corners = [[0, 0], [size, 0], [0, size], [size, size]].map((p) => transform(p, toPhoto));
  const range = (axis, limit) => {
    const values = corners.map((p) => p[axis]);
    const clip = (v) => Math.min(Math.max(v, 0), limit);
    const low = clip(Math.floor(Math.min(...values) - pad));
    return [low, clip(Math.ceil(Math.max(...values) + pad) + 1) - low];
  };
  const [x, width] = range(0, photo.width), [y, height] = range(1, photo.height);
  return [x, y, width, height];
}

/**
 * A crop by bilinear interpolation, black outside. `back` takes crop pixels to the picture's.
 *
 * Places are rounded to 1/32 pixel as OpenCV's warpAffine does, so that the bytes are the same.
 */
function bilinear({ data, width, height }, back, size) {
  const crop = new Uint8Array(size * size * 3);
  const at = (x, y) => (x >= 0 && y >= 0 && x < width && y < height ? 4 * (y * width + x) : -1);
  const fixed = (value) => roundEven(value * 1024);
  for (let v = 0; v < size; v++) {
    const startX = fixed(back[1] * v + back[2]) + 16, startY = fixed(back[4] * v + back[5]) + 16;
    for (let u = 0; u < size; u++) {
      const x = (startX + fixed(back[0] * u)) >> 5, y = (startY + fixed(back[3] * u)) >> 5;
      const x0 = x >> 5, y0 = y >> 5, fx = x & 31, fy = y & 31;
      const a = at(x0, y0), b = at(x0 + 1, y0), c = at(x0, y0 + 1), d = at(x0 + 1, y0 + 1);
      for (let k = 0; k < 3; k++) {
        const upper = (a < 0 ? 0 : data[a + k]) * (32 - fx) + (b < 0 ? 0 : data[b + k]) * fx;
        const lower = (c < 0 ? 0 : data[c + k]) * (32 - fx) + (d < 0 ? 0 : data[d + k]) * fx;
        crop[3 * (v * size + u) + k] = (upper * (32 - fy) + lower * fy + 512) >> 10;
      }
    }
  }
  return crop;
}
