// The panel beside the picture: latency, the crop, the model.

import { COLUMNS } from "./latency.js";

const PARTS = { crop: "crop", network: "network", face: "both" };
const $ = (id) => document.getElementById(id);

/** @param latency a Latency */
export function showLatency(latency) {
  const summary = latency.summary(), { count } = latency;
  const rows = Object.entries(PARTS).filter(([part]) => summary[part]).map(([part, name]) => {
    const row = document.createElement("tr");
    const cells = COLUMNS.map((p) => element("td", summary[part][`p${p}`].toFixed(2)));
    row.append(element("th", name), ...cells);
    row.firstChild.scope = "row";
    return row;
  });
  $("latency").replaceChildren(...rows);
  const rate = summary.face && Math.round(1000 / summary.face.p50);
  $("rate").textContent = count
    ? `${count} run${count > 1 ? "s" : ""}, ${rate} faces/s. The paper: 8.3 ms on a Snapdragon 820.`
    : "no runs yet";
}

/** The pixels that the network saw, RGB bytes. */
export function showCrop(crop, size) {
  const image = new ImageData(size, size);
  for (let i = 0; i < size * size; i++) {
    image.data.set([crop[3 * i], crop[3 * i + 1], crop[3 * i + 2], 255], 4 * i);
  }
  $("crop").width = $("crop").height = size;
  $("crop").getContext("2d").putImageData(image, 0, 0);
}

/** What the model says about itself, and the bytes of its file. */
export function showAbout(about, bytes) {
  const scheme = typeof about.scheme === "string" ? about.scheme : about.scheme?.name;
  const rows = {
    landmarks: `${about.mean_shape.length}${scheme ? `, ${scheme}` : ""}`,
    crop: `${about.input.size} × ${about.input.size}, ${about.input.margin} boxes`,
    mode: about.mode,
    file: `${bytes.toLocaleString("en")} bytes`,
    keras_fld: about.version,
  };
  $("model").textContent = `${about.preset ?? "own model"}, ${about.mode}, in this browser`;
  $("about").replaceChildren(...Object.entries(rows).flatMap(
    ([name, value]) => [element("dt", name), element("dd", value)]));
}

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}
