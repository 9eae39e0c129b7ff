// Face boxes from the worker in haar.js.

export class Detector {
  #waiting = new Map();
  #next = 0;

  /** Loads the cascade's numbers. */
  static async load() {
    const response = await fetch("cascade.json");
    if (!response.ok) throw new Error(`cascade.json: ${response.status}`);
    return new Detector(await response.json());
  }

  constructor(cascade) {
    this.worker = new Worker("haar.js", { type: "module" });
    this.worker.onmessage = ({ data: { id, faces } }) => {
      this.#waiting.get(id)(faces);
      this.#waiting.delete(id);
    };
    this.worker.postMessage({ cascade });
  }

  /**
   * Tight face boxes, largest first.
   *
   * @param picture a Picture
   * @param longest pixels along its longer side that are searched
   * @param smallest side of the smallest face in these pixels
   */
  find(picture, longest, smallest) {
    const { scale, ...small } = picture.reduced(longest), id = this.#next++;
    return new Promise((resolve) => {
      this.#waiting.set(id, (faces) => resolve(faces.map((box) => box.map((v) => v / scale))));
      this.worker.postMessage({ id, smallest, ...small }, [small.rgba.buffer]);
    });
  }
}
