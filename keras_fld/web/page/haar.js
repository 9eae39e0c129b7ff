// OpenCV's cascade face detector, in a worker: what FaceLandmarker.detect finds faces with.
//
// In: {cascade} once, then {id, width, height, rgba, smallest}. Out: {id, faces}, tight face boxes
// [x, y, width, height], largest first. Scales, steps and grouping are those of
// detectMultiScale(scaleFactor=1.1, minNeighbors=5, minSize=(smallest, smallest)).

const SCALE_FACTOR = 1.1, MIN_NEIGHBORS = 5, SIMILAR = 0.2, EPSILON = 1e-5;

let cascade;

onmessage = ({ data }) => {
  if (data.cascade) cascade = data.cascade;
  else postMessage({ id: data.id, faces: findFaces(data) });
};

function findFaces({ rgba, width, height, smallest }) {
  const { window: side, to_box: [left, top, across, down] } = cascade, found = [];
  const pixels = gray(rgba, width, height);
  for (let scale = 1; Math.round(side * scale) <= Math.min(width, height); scale *= SCALE_FACTOR) {
    if (Math.round(side * scale) >= smallest) found.push(...scan(pixels, width, height, scale));
  }
  return group(found)
    .sort((a, b) => b[2] - a[2])
    .map(([x, y, s]) => [x + left * s, y + top * s, across * s, down * s]);
}

/** Squares that pass every stage at one scale. */
function scan(pixels, width, height, scale) {
  const w = Math.round(width / scale), h = Math.round(height / scale), side = cascade.window;
  const { sums, squares, stride } = integrals(resize(pixels, width, height, w, h), w, h);
  const { ends, thresholds, offsets, numbers } = compiled(stride);
  const inner = (side - 2) ** 2, step = scale >= 2 ? 1 : 2, found = [];
  // Corners of the window without its rim.
  const a = stride + 1, b = stride + side - 1, c = (side - 1) * stride + 1, d = c + side - 2;
  for (let y = 0; y <= h - side; y += step) {
    for (let x = 0; x <= w - side; x += step) {
      const at = y * stride + x;
      const sum = sums[at + a] - sums[at + b] - sums[at + c] + sums[at + d];
      const square = squares[at + a] - squares[at + b] - squares[at + c] + squares[at + d];
      const spread = inner * square - sum * sum, deviation = Math.sqrt(spread);
      if (!(spread > 0) || inner / deviation >= 0.1) continue; // as flat as OpenCV's limit
      let stage = 0;
      for (let i = 0; stage < ends.length; stage++) {
        let score = 0;
        for (; i < ends[stage]; i++) {
          const o = 12 * i, n = 6 * i;
          let value = numbers[n] * (sums[at + offsets[o]] - sums[at + offsets[o + 1]]
            - sums[at + offsets[o + 2]] + sums[at + offsets[o + 3]])
            + numbers[n + 1] * (sums[at + offsets[o + 4]] - sums[at + offsets[o + 5]]
            - sums[at + offsets[o + 6]] + sums[at + offsets[o + 7]]);
          if (numbers[n + 2]) {
            value += numbers[n + 2] * (sums[at + offsets[o + 8]] - sums[at + offsets[o + 9]]
              - sums[at + offsets[o + 10]] + sums[at + offsets[o + 11]]);
          }
          score += value < numbers[n + 3] * deviation ? numbers[n + 4] : numbers[n + 5];
        }
        if (score < thresholds[stage]) break;
      }
      if (stage === ends.length) {
        found.push([Math.round(x * scale), Math.round(y * scale), Math.round(side * scale)]);
      }
      if (!stage) x += step;
    }
  }
  return found;
}

/**
 * The cascade in flat arrays: for stump i, twelve corners of three rectangles in a table of that
 * stride, and six numbers: their weights, the threshold, the two scores.
 */
function compiled(stride) {
  const stumps = cascade.stages.flatMap((stage) => stage.stumps), { features } = cascade;
  const offsets = new Int32Array(12 * stumps.length), numbers = new Float64Array(6 * stumps.length);
  stumps.forEach(([feature, ...rest], i) => {
    features[feature].forEach(([x, y, w, h, weight], r) => {
      const low = y * stride + x;
      offsets.set([low, low + w, low + h * stride, low + h * stride + w], 12 * i + 4 * r);
      numbers[6 * i + r] = weight;
    });
    numbers.set(rest, 6 * i + 3);
  });
  let end = 0;
  const ends = Int32Array.from(cascade.stages, (stage) => (end += stage.stumps.length));
  const thresholds = Float64Array.from(cascade.stages, (stage) => stage.threshold - EPSILON);
  return { ends, thresholds, offsets, numbers };
}

/** Sums of all pixels above and left, and of their squares. */
function integrals(pixels, w, h) {
  const stride = w + 1;
  const sums = new Int32Array(stride * (h + 1)), squares = new Float64Array(stride * (h + 1));
  for (let y = 0; y < h; y++) {
    let sum = 0, square = 0;
    for (let x = 0; x < w; x++) {
      const value = pixels[y * w + x], at = (y + 1) * stride + x + 1;
      sum += value;
      square += value * value;
      sums[at] = sums[at - stride] + sum;
      squares[at] = squares[at - stride] + square;
    }
  }
  return { sums, squares, stride };
}

function gray(rgba, width, height) {
  const out = new Uint8Array(width * height);
  for (let i = 0; i < out.length; i++) {
    out[i] = 0.299 * rgba[4 * i] + 0.587 * rgba[4 * i + 1] + 0.114 * rgba[4 * i + 2] + 0.5;
  }
  return out;
}

function resize(pixels, width, height, w, h) {
  if (w === width && h === height) return pixels;
  const out = new Uint8Array(w * h);
  for (let v = 0; v < h; v++) {
    const y = Math.min(Math.max((v + 0.5) * height / h - 0.5, 0), height - 1);
    const y0 = Math.floor(y), y1 = Math.min(y0 + 1, height - 1), fy = y - y0;
    for (let u = 0; u < w; u++) {
      const x = Math.min(Math.max((u + 0.5) * width / w - 0.5, 0), width - 1);
      const x0 = Math.floor(x), x1 = Math.min(x0 + 1, width - 1), fx = x - x0;
      const upper = pixels[y0 * width + x0] * (1 - fx) + pixels[y0 * width + x1] * fx;
      const lower = pixels[y1 * width + x0] * (1 - fx) + pixels[y1 * width + x1] * fx;
      out[v * w + u] = upper * (1 - fy) + lower * fy + 0.5;
    }
  }
  return out;
}

/** Means of squares that lie on each other, where there are more than MIN_NEIGHBORS. */
function group(squares) {
  const groups = [];
  for (const square of squares) {
    // A square may join groups that were apart.
    const near = groups.filter((members) => members.some((other) => similar(square, other)));
    const joined = [square, ...near.flat()];
    for (const members of near) groups.splice(groups.indexOf(members), 1);
    groups.push(joined);
  }
  const means = groups
    .filter((members) => members.length > MIN_NEIGHBORS)
    .map((members) => [...[0, 1, 2].map(
      (k) => Math.round(members.reduce((sum, m) => sum + m[k], 0) / members.length)), members.length]);
  return means.filter((small) => !means.some((large) => large !== small && inside(small, large)));
}

function similar([x, y, s], [x2, y2, s2]) {
  const limit = SIMILAR * Math.min(s, s2);
  return [x - x2, y - y2, x + s - x2 - s2, y + s - y2 - s2].every((d) => Math.abs(d) <= limit);
}

function inside([x, y, s, count], [x2, y2, s2, count2]) {
  const slack = Math.round(SIMILAR * s2);
  return x >= x2 - slack && y >= y2 - slack && x + s <= x2 + s2 + slack && y + s <= y2 + s2 + slack
    && (count2 > Math.max(3, count) || count < 3);
}
