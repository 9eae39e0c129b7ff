// Resizing of pictures, with the same bytes as OpenCV's resize.

const f32 = Math.fround;

/** Resizes a picture {width, height, data} of RGBA bytes: smaller by averaging, else bilinearly. */
export function resize(picture, width, height) {
  if (width === picture.width && height === picture.height) return picture;
  const smaller = width < picture.width || height < picture.height;
  return (smaller ? reduce : enlarge)(picture, width, height);
}

/** Means of 2 by 2 pixels. The last row or column of an odd number is dropped. */
export function halved({ data, width, height }) {
  const half = { width: width >> 1, height: height >> 1 }, below = 4 * width;
  half.data = new Uint8ClampedArray(4 * half.width * half.height);
  for (let v = 0, to = 0; v < half.height; v++) {
    for (let u = 0, from = 2 * v * below; u < half.width; u++, from += 8, to += 4) {
      for (let k = 0; k < 3; k++) {
        const upper = data[from + k] + data[from + 4 + k];
        half.data[to + k] = (upper + data[from + below + k] + data[from + below + 4 + k] + 2) >> 2;
      }
    }
  }
  return half;
}

/** Whether all pixels have a neighbor to be averaged with, and the half is not too small. */
function canHalve({ width, height }, newWidth, newHeight) {
  return width % 2 === 0 && height % 2 === 0 && width >= 2 * newWidth && height >= 2 * newHeight;
}

/** Area averaging: each new pixel is the mean of what it covers. Sums are float32, as in OpenCV. */
function reduce(picture, newWidth, newHeight) {
  while (canHalve(picture, newWidth, newHeight)) picture = halved(picture);
  const { data, width, height } = picture, fx = width / newWidth, fy = height / newHeight;
  if (fx === 1 && fy === 1) return picture;
  // Whole pixels are added and divided once, so that halves round to the even neighbor.
  const whole = Number.isInteger(fx) && Number.isInteger(fy);
  const columns = coverage(width, newWidth, whole), rows = coverage(height, newHeight, whole);
  const out = new Uint8ClampedArray(newWidth * newHeight * 4);
  const total = new Float32Array(newWidth * 4), scale = whole ? f32(1 / (fx * fy)) : 1;
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
    out.set(total.map((sum) => sum * scale), 4 * v * newWidth); // rounds
  }
  return { data: out, width: newWidth, height: newHeight };
}

/**
 * Along one axis: new pixel i covers the old `places` from starts[i] to starts[i + 1], by shares of
 * itself or, where it covers `whole` pixels, one for each.
 */
function coverage(size, newSize, whole) {
  const factor = size / newSize, starts = [0], places = [], shares = [];
  for (let i = 0; i < newSize; i++) {
    const low = i * factor, high = Math.min(low + factor, size);
    for (let k = Math.floor(low); k < high - 1e-6; k++) {
      places.push(k);
      shares.push(whole ? 1 : (Math.min(k + 1, high) - Math.max(k, low)) / (high - low));
    }
    starts.push(places.length);
  }
  return {
    starts: Int32Array.from(starts), places: Int32Array.from(places), shares: Float32Array.from(shares),
  };
}

/** Bilinear interpolation in OpenCV's integers; edge pixels are repeated outside. */
function enlarge({ data, width, height }, newWidth, newHeight) {
  const columns = neighbors(width, newWidth, true), rows = neighbors(height, newHeight, false);
  const out = new Uint8ClampedArray(newWidth * newHeight * 4);
  rows.forEach(({ places: [top, bottom], weights: [upper, lower] }, v) => {
    columns.forEach(({ places: [left, right], weights: [before, after] }, u) => {
      for (let k = 0; k < 4; k++) {
        const across = (y) => (data[4 * (y * width + left) + k] * before
          + data[4 * (y * width + right) + k] * after) >> 4;
        const sum = ((across(top) * upper) >> 16) + ((across(bottom) * lower) >> 16);
        out[4 * (v * newWidth + u) + k] = (sum + 2) >> 2;
      }
    });
  });
  return { data: out, width: newWidth, height: newHeight };
}

/**
 * Along one axis, for each new pixel: the two old ones around it, and their weights out of 2048.
 * At the border, OpenCV clamps the place of a column, but weighs a row with itself, which rounds
 * differently.
 */
function neighbors(size, newSize, clamped) {
  const inside = (place) => Math.min(Math.max(place, 0), size - 1);
  return Array.from({ length: newSize }, (_, i) => {
    const exact = f32((i + 0.5) * (size / newSize) - 0.5), place = clamped ? inside(exact) : exact;
    const low = Math.floor(place), share = f32(place - low);
    return {
      places: [inside(low), inside(low + 1)],
      weights: [1 - share, share].map((weight) => roundEven(2048 * f32(weight))),
    };
  });
}

/** Rounds as Python does: halves to the even neighbor. */
export function roundEven(value) {
  const low = Math.floor(value);
  if (value - low === 0.5) return low + (low % 2);
  return Math.round(value);
}
