// The page: what its buttons do.

import { BlazeFace } from "./blazeface.js";
import { watchBox } from "./boxtool.js";
import { watchDrops } from "./drops.js";
import { Film } from "./film.js";
import { overlap } from "./geometry.js";
import { PASSES, Landmarker } from "./landmarker.js";
import { Latency, measure, RUNS, WARM_UP } from "./latency.js";
import { chosenParts, PARTS_DRAWN, showAbout, showCrop, showLatency, tell } from "./panel.js";
import { Picture } from "./picture.js";
import { load, loadRuntime } from "./runtime.js";
import { asJson, keepOffline, save } from "./saving.js";
import { Tracker } from "./tracker.js";
import { View } from "./view.js";

// Two boxes that overlap by more are about one face.
const SAME = 0.3;
const LOOKING = "Looking for a face. Move yours into the outline, or drag a box around it.";
const $ = (id) => document.getElementById(id);
const picture = new Picture(), view = new View($("view"), picture);
const film = new Film(filmStopped), latency = new Latency();
let landmarker, detector, tracker, busy = Promise.resolve();
// `chosen` is the index of the face whose crop is shown, `drawn` the box that is being drawn, and
// `follows` counts the cameras and videos so far.
let faces = [], chosen = 0, drawn = null, follows = 0;

/** Runs one thing at a time, so that landmarks belong to the picture they are drawn on. */
function queue(work) {
  busy = busy.then(work).catch(fail);
  return busy;
}

const fail = (error) => tell(error.message, true);

// Pictures

async function open(file) {
  if (!file) return;
  film.stop();
  if (file.type.startsWith("video/")) {
    await film.openVideo(file);
    // Not awaited: the loop itself queues the work on each frame.
    follow(file.name).catch(fail);
    return;
  }
  try {
    await picture.open(file);
  } catch {
    throw new Error(`${file.name}: this browser cannot read it as an image or a video`);
  }
  setPicture();
  await findFaces();
}

async function openSample() {
  const blob = await (await load("sample.jpg")).blob();
  await open(new File([blob], "sample.jpg", { type: blob.type }));
  $("credit").hidden = false;
}

function setPicture() {
  $("empty").hidden = true;
  view.fit();
  $("credit").hidden = true;
  setFound([], 0);
  latency.clear();
}

async function findFaces() {
  tell("Looking for faces …");
  latency.clear();
  const found = detector ? await landmarker.find(detector, picture) : [];
  setFound([], 0);
  for (const place of found) faces.push(await faceAt(place));
  show();
  tell(found.length
    ? `${picture.name}: ${counted(found.length)}. Drag a box around a face to add it.`
    : `${picture.name}: no face found. Drag a box around one.`);
}

const counted = (count) => `${count} face${count === 1 ? "" : "s"}`;

async function faceAt(place) {
  const face = await landmarker.detect(picture, place, $("refine").checked ? PASSES : 1);
  latency.add(face.milliseconds);
  return face;
}

/** Shows these faces; `at` is the index of the one whose crop is shown. */
function setFound(found, at = Math.min(chosen, Math.max(0, found.length - 1))) {
  faces = found;
  chosen = at;
}

// Camera and video

async function startCamera() {
  $("camera").disabled = true;
  try {
    await film.startCamera();
    await nameTurn();
  } finally {
    $("camera").disabled = false;
  }
  await follow("camera");
}

async function nameTurn() {
  const name = await film.turnName();
  $("turn").hidden = !name;
  $("turn").textContent = name ?? "";
}

async function turn() {
  await film.turn();
  tracker = new Tracker(landmarker, detector);
  await nameTurn();
}

/** Tracks the faces in the frames until the film stops. */
async function follow(name) {
  const { kind } = film, own = ++follows;
  tracker = new Tracker(landmarker, detector);
  $("camera").textContent = `Stop ${kind}`;
  picture.name = name;
  let size = "";
  const looking = kind === "camera" ? LOOKING : `${name}: looking for faces …`;
  setFound([]);
  tell(looking);
  while (film.running && follows === own) {
    await film.frame();
    const { videoWidth: width, videoHeight: height } = film.video;
    if (!width) continue;
    await queue(async () => {
      // Work that was queued before may have opened something else.
      if (!film.running || follows !== own) return;
      picture.take(film.video, width, height);
      if (size !== (size = `${width}x${height}`)) setPicture();
      const before = faces.length;
      setFound(await tracker.next(picture));
      for (const face of faces) latency.add(face.milliseconds);
      if (faces.length !== before) {
        tell(faces.length ? `Following ${counted(faces.length)}.` : looking);
      }
      $("guide").hidden = faces.length > 0 || kind !== "camera";
      show();
    });
  }
}

function filmStopped(kind) {
  $("camera").textContent = "Start camera";
  $("turn").hidden = $("guide").hidden = true;
  $("find").disabled = false;
  tell(`${kind === "camera" ? "Camera" : "Video"} stopped. You can save the last frame.`);
}

/** Adds the face at a place that the user chose; it replaces a face that is there already. */
async function takeBox(place) {
  if (film.running) {
    await tracker.start(picture, place, true);
    return;
  }
  const face = await faceAt(place);
  const others = faces.filter((other) => overlap(other.box, face.box) <= SAME);
  setFound([...others, face], others.length);
  show();
  tell(`${picture.name}: ${counted(faces.length)}, one from your box.`);
}

/** Shows the crop of the face at a point that the user clicked. */
function choose([x, y]) {
  const at = faces.findIndex(({ box: [left, top, width, height] }) =>
    x >= left && y >= top && x <= left + width && y <= top + height);
  if (at < 0) return;
  setFound(faces, at);
  show();
}

// What is seen

function show() {
  if (!picture.width) return;
  view.show(faces, landmarker.about, chosenParts(), film.kind === "camera" && !faces.length, drawn);
  showCrop(faces[chosen]?.crop, landmarker.frame.size, chosen, faces.length);
  showLatency(latency);
  $("find").disabled = film.running;
  $("save-picture").disabled = false;
  for (const id of ["save-json", "benchmark"]) $(id).disabled = !faces.length;
}

// Measuring

async function measureFace() {
  tell(`Measuring ${RUNS} runs …`);
  await measure(latency, landmarker, picture, faces[chosen]);
  showLatency(latency);
  tell(`Measured ${RUNS} runs on this face, after ${WARM_UP} to warm up.`);
}

// What the user does

function watchButtons() {
  const onClick = (id, work) => $(id).addEventListener("click", () => queue(work));
  $("open").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", ({ target }) => {
    const [file] = target.files;
    queue(() => open(file));
    target.value = ""; // the same file may be opened again
  });
  $("camera").addEventListener("click", () => {
    if (film.running) film.stop();
    else startCamera().catch(fail);
  });
  onClick("turn", turn);
  onClick("sample", openSample);
  // The outline shows the landmarks in their own box.
  onClick("guide", () => takeBox({ box: view.middle(), angle: 0 }));
  onClick("find", findFaces);
  onClick("benchmark", measureFace);
  onClick("save-json", () => save(
    asJson(picture, faces, landmarker.about, latency), picture.name, "json"));
  $("save-picture").addEventListener("click", () => $("view").toBlob(
    (blob) => save(blob, picture.name, "png")));
  for (const id of PARTS_DRAWN) $(id).addEventListener("change", show);
}

async function start() {
  watchBox($("view"), picture, (box) => {
    drawn = box;
    if (!film.running) show();
  }, (box) => queue(() => takeBox(landmarker.inFace({ box, angle: 0 }))), choose);
  watchDrops($("stage"), (file) => landmarker && queue(() => open(file)));
  watchButtons();
  const bytes = await (await load("model.tflite")).arrayBuffer(), { byteLength } = bytes;
  await loadRuntime("litert/");
  landmarker = await Landmarker.load(bytes);
  showAbout(landmarker.about, byteLength);
  try {
    detector = await BlazeFace.load();
  } catch (error) {
    tell(`The face detector did not load (${error.message}). Drag a box around the face.`, true);
  }
  for (const id of ["open", "camera", "sample"]) $(id).disabled = false;
  document.body.dataset.ready = "yes"; // for tests
  if (await keepOffline()) $("model").append(", available offline");
}

start().catch((error) => tell(`The page cannot start: ${error.message}`, true));
