// Times of the last runs and their percentiles, and a measurement.

import { pause } from "./runtime.js";

const KEPT = 300;
export const WARM_UP = 20, RUNS = 300;
export const COLUMNS = [50, 90, 99];

export class Latency {
  #times = new Map();

  clear() {
    this.#times.clear();
  }

  /** @param milliseconds {part: number} */
  add(milliseconds) {
    for (const [part, value] of Object.entries(milliseconds)) {
      const values = this.#times.get(part) ?? [];
      values.push(value);
      if (values.length > KEPT) values.shift();
      this.#times.set(part, values);
    }
  }

  get count() {
    return Math.max(0, ...[...this.#times.values()].map((values) => values.length));
  }

  /** {part: {p50, p90, p99}}, in milliseconds. */
  summary() {
    return Object.fromEntries([...this.#times].map(([part, values]) => {
      const sorted = Float64Array.from(values).sort();
      return [part, Object.fromEntries(COLUMNS.map((p) => [`p${p}`, percentile(sorted, p)]))];
    }));
  }
}

/** Interpolates linearly between the two nearest ranks, as NumPy does. */
export function percentile(sorted, percent) {
  const place = (sorted.length - 1) * percent / 100, low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (place - low) * (sorted[high] - sorted[low]);
}

/** Measures the landmarks of one face: `RUNS` runs after some to warm up, which do not count. */
export async function measure(latency, landmarker, picture, face) {
  latency.clear();
  for (let i = 0; i < WARM_UP + RUNS; i++) {
    const { milliseconds } = await landmarker.detect(picture, face);
    if (i >= WARM_UP) latency.add(milliseconds);
    // The page stays responsive, and the browser does not report that it hangs.
    if (i % 20 === 0) await pause();
  }
}
