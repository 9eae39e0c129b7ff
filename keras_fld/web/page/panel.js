// The panel beside the picture: latency, the crop, the model; and the line of what happens.

import { COLUMNS } from "./latency.js";

// Number of runs below which a percentile is not shown.
const ENOUGH = { 50: 1, 90: 10, 99: 100 };
const MEASURED = "A run is one face: crop it and run the network once, in this browser. "
  + "Face detection and drawing are not included.";
const PARTS = { crop: "crop", network: "network", face: "both" };
const $ = (id) => document.getElementById(id);

/** Names of the check boxes of what is drawn, and which are checked. */
export const PARTS_DRAWN = ["lines", "points", "numbers", "box"];
export const chosenParts = () => Object.fromEntries(
  PARTS_DRAWN.map((name) => [name, $(name).checked]));

/** Writes the line below the picture; `bad` marks it as an error. */
export function tell(text, bad = false) {
  $("status").textContent = text;
  $("status").classList.toggle("bad", bad);
}

/** @param latency a Latency */
export function showLatency(latency) {
  const { count } = latency, summary = latency.summary();
  const rows = Object.entries(PARTS).filter(([part]) => summary[part]).map(([part, name]) => {
    const row = document.createElement("tr");
    const cells = COLUMNS.map(
      (p) => element("td", count >= ENOUGH[p] ? summary[part][`p${p}`].toFixed(2) : "–"));
    row.append(element("th", name), ...cells);
    row.firstChild.scope = "row";
    return row;
  });
  $("latency").replaceChildren(...rows);
  const runs = count === 1 ? "1 run, not warmed up" : `The last ${count} runs`;
  $("rate").textContent = count ? `${runs}. ${MEASURED}` : "No runs yet.";
}

/**
 * Shows the pixels that the network saw.
 *
 * @param crop RGB bytes; without them, nothing is shown
 * @param size of the crop
 * @param chosen index of its face
 * @param count number of faces
 */
export function showCrop(crop, size, chosen, count) {
  $("crop").hidden = !crop;
  $("which").textContent = !crop ? "No face yet."
    : count > 1 ? `Face ${chosen + 1} of ${count}. Click another to see its crop.` : "";
  if (!crop) return;
  const image = new ImageData(size, size);
  for (let i = 0; i < size * size; i++) {
    image.data.set([crop[3 * i], crop[3 * i + 1], crop[3 * i + 2], 255], 4 * i);
  }
  $("crop").width = $("crop").height = size;
  $("crop").getContext("2d").putImageData(image, 0, 0);
}

/** Shows the model's metadata and the size of its file in bytes. */
export function showAbout(about, bytes) {
  const scheme = typeof about.scheme === "string" ? about.scheme : about.scheme?.name;
  const rows = {
    landmarks: `${about.mean_shape.length}${scheme ? `, ${scheme}` : ""}`,
    crop: `${about.input.size} × ${about.input.size} px, ${about.input.margin} × the face box`,
    mode: about.mode,
    file: `${bytes.toLocaleString("en")} bytes`,
    license: about.license,
    keras_fld: about.version,
  };
  $("model").textContent = `${about.preset ?? "your model"}, ${about.mode}, in this browser`;
  $("about").replaceChildren(...Object.entries(rows).filter(([, value]) => value).flatMap(
    ([name, value]) => [element("dt", name), element("dd", value)]));
}

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}
