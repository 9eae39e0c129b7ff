// The mapping between photograph and crop, as keras_fld/data/geometry.py has it.
//
// Pixel centers are at whole numbers in both. A matrix is [a, b, c, d, e, f], the rows of a 2x3 one,
// and takes photograph to crop pixels; a box is [x, y, width, height]; pictures are RGBA.

/** Photograph pixels to crop pixels, for a face box. */
export function frameMatrix({ size, margin }, [x, y, width, height]) {
  const scale = size / (margin * Math.max(width, height));
  const center = (size - 1) / 2;
  return [scale, 0, center - scale * (x + width / 2), 0, scale, center - scale * (y + height / 2)];
}

/** The tight box around landmarks. */
export function landmarkBox(points) {
  const xs = points.map((p) => p[0]), ys = points.map((p) => p[1]);
  const x = Math.min(...xs), y = Math.min(...ys);
  return [x, y, Math.max(Math.max(...xs) - x, 1e-6), Math.max(Math.max(...ys) - y, 1e-6)];
}

/** One point mapped by a matrix. */
export const transform = ([x, y], m) => [m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5]];

/** The matrix of the way back. */
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

/**
 * Cuts a square crop; what lies outside the photograph is black.
 *
 * A face much larger than the crop is first reduced by area averaging to at most twice the crop's
 * scale: a plain warp would alias. Only the pixels under the crop are read.
 *
 * @param photo {width, height, read(x, y, width, height)}, where read gives RGBA bytes
 * @returns Uint8Array of size * size * 3, RGB
 */
export function warp(photo, matrix, size) {
  const shrink = 2 * Math.sqrt(Math.abs(matrix[0] * matrix[4] - matrix[1] * matrix[3]));
  const [left, top, width, height] = region(photo, invert(matrix), size, 2 / Math.min(shrink, 1));
  if (!width || !height) return new Uint8Array(size * size * 3);
  let picture = { width, height, data: photo.read(left, top, width, height) };
  let toPhoto = [1, 0, left, 0, 1, top];
  if (shrink < 1) {
    const small = reduce(picture, Math.max(1, roundEven(width * shrink)),
      Math.max(1, roundEven(height * shrink)));
    // The rounded size makes the two factors differ a little; pixel centers are at halves here.
    const fx = width / small.width, fy = height / small.height;
    toPhoto = [fx, 0, fx / 2 - 0.5 + left, 0, fy, fy / 2 - 0.5 + top];
    picture = small;
  }
  return bilinear(picture, invert(compose(matrix, toPhoto)), size);
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

/** As Python's round: halves to the even neighbor. */
function roundEven(value) {
  const low = Math.floor(value);
  if (value - low === 0.5) return low + (low % 2);
  return Math.round(value);
}

const f32 = Math.fround;

/** Area averaging: each new pixel is the mean of what it covers. Sums are in float32, as OpenCV's. */
function reduce({ data, width, height }, newWidth, newHeight) {
  const columns = coverage(width, newWidth), rows = coverage(height, newHeight);
  const out = new Uint8ClampedArray(newWidth * newHeight * 4);
  const total = new Float32Array(newWidth * 4);
  for (let v = 0; v < newHeight; v++) {
    total.fill(0);
    for (let i = rows.starts[v]; i < rows.starts[v + 1]; i++) {
      const line = rows.places[i] * width, share = rows.shares[i];
      for (let u = 0; u < newWidth; u++) {
        let red = 0, green = 0, blue = 0;
        for (let j = columns.starts[u]; j < columns.starts[u + 1]; j++) {
          const at = 4 * (line + columns.places[j]), weight = columns.shares[j];
          red = f32(red + f32(weight * data[at]));
          green = f32(green + f32(weight * data[at + 1]));
          blue = f32(blue + f32(weight * data[at + 2]));
        }
        total[4 * u] += f32(share * red);
        total[4 * u + 1] += f32(share * green);
        total[4 * u + 2] += f32(share * blue);
      }
    }
    out.set(total, 4 * v * newWidth); // rounds
  }
  return { data: out, width: newWidth, height: newHeight };
}

/** Along one axis: new pixel i covers the old `places` from starts[i] to starts[i + 1]. */
function coverage(size, newSize) {
  const factor = size / newSize, starts = [0], places = [], shares = [];
  for (let i = 0; i < newSize; i++) {
    const low = i * factor, high = Math.min(low + factor, size);
    for (let k = Math.floor(low); k < high - 1e-6; k++) {
      places.push(k);
      shares.push((Math.min(k + 1, high) - Math.max(k, low)) / (high - low));
    }
    starts.push(places.length);
  }
  return {
    starts: Int32Array.from(starts), places: Int32Array.from(places), shares: Float32Array.from(shares),
  };
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
