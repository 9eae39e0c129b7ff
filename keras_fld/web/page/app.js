// The page: what its buttons do.

import { BlazeFace } from "./blazeface.js";
import { watchBox } from "./boxtool.js";
import { Camera } from "./camera.js";
import { drawBox, drawFace, drawGuide } from "./drawing.js";
import { frameMatrix, invert, transform } from "./geometry.js";
import { PASSES, Landmarker } from "./landmarker.js";
import { Latency } from "./latency.js";
import { showAbout, showCrop, showLatency } from "./panel.js";
import { Picture } from "./picture.js";
import { load, loadRuntime, pause } from "./runtime.js";
import { Tracker } from "./tracker.js";

const WARM_UP = 20, RUNS = 300;
// A small photo is shown larger, for lines and numbers to be read.
const SHOWN = 960;
const LOOKING = "Looking for a face. Hold yours into the outline, or drag a box around it.";
const $ = (id) => document.getElementById(id);
const context = $("view").getContext("2d");
const picture = new Picture(), camera = new Camera(cameraStopped), latency = new Latency();
let landmarker, detector, tracker, faces = [], drawn = null, busy = Promise.resolve();

/** One thing at a time, so that landmarks belong to the picture they are drawn on. */
function queue(work) {
  busy = busy.then(work).catch((error) => tell(error.message, true));
  return busy;
}

function tell(text, bad = false) {
  $("status").textContent = text;
  $("status").classList.toggle("bad", bad);
}

// Pictures

async function openPhoto(file) {
  if (!file) return;
  camera.stop();
  try {
    await picture.open(file);
  } catch {
    throw new Error(`${file.name}: not an image that this browser can read`);
  }
  setPicture();
  await findFaces();
}

function setPicture() {
  $("empty").hidden = true;
  $("view").width = picture.width * shown();
  $("view").height = picture.height * shown();
  $("view").classList.add("drawable");
  faces = [];
  latency.clear();
}

/** Canvas pixels to a picture's pixel. */
const shown = () => Math.max(1, SHOWN / Math.max(picture.width, picture.height));

async function findFaces() {
  tell("looking for faces …");
  const found = detector ? await detector.find(picture) : [];
  await setFaces(found);
  tell(found.length
    ? `${picture.name}: ${counted(found.length)}. Drag a box around a face to add it.`
    : `${picture.name}: no face found. Drag a box around one.`);
}

const counted = (count) => `${count} face${count === 1 ? "" : "s"}`;

/** A square box in the middle, in shares of the shorter side. */
function middle(share) {
  const side = share * Math.min(picture.width, picture.height);
  return [(picture.width - 1 - side) / 2, (picture.height - 1 - side) / 2, side, side];
}

async function setFaces(places) {
  const found = [];
  for (const place of places) {
    found.push(await landmarker.detect(picture, place, $("refine").checked ? PASSES : 1));
    latency.add(found.at(-1).milliseconds);
  }
  faces = found;
  show();
}

// Camera

async function startCamera() {
  $("camera").disabled = true;
  try {
    await camera.start();
  } finally {
    $("camera").disabled = false;
  }
  tracker = new Tracker(landmarker, detector);
  $("camera").textContent = "Stop camera";
  $("turn").hidden = !(await camera.several());
  picture.name = "camera";
  latency.clear();
  let size = "";
  $("guide").hidden = false;
  tell(LOOKING);
  while (camera.running) {
    await camera.frame();
    const { videoWidth: width, videoHeight: height } = camera.video;
    if (!camera.running || !width) continue;
    await queue(async () => {
      picture.take(camera.video, width, height);
      if (size !== (size = `${width}x${height}`)) setPicture();
      const before = faces.length;
      faces = await tracker.next(picture);
      for (const face of faces) latency.add(face.milliseconds);
      if (faces.length !== before) {
        tell(faces.length ? `Following ${counted(faces.length)}.` : LOOKING);
      }
      $("guide").hidden = faces.length > 0;
      show();
    });
  }
}

function cameraStopped() {
  $("camera").textContent = "Start camera";
  $("turn").hidden = $("guide").hidden = true;
  $("find").disabled = false;
  tell("Camera stopped. The last frame can be saved.");
}

/** A box that the user gave. */
async function takeBox(box) {
  const place = { box, angle: 0 };
  if (camera.running) {
    await tracker.start(picture, place, true);
    return;
  }
  await setFaces([place]);
  tell("Landmarks from your box.");
}

// What is seen

const options = () => Object.fromEntries(
  ["lines", "points", "numbers", "box"].map((name) => [name, $(name).checked]));

function show() {
  if (!picture.width) return;
  const lines = landmarker.about.lines ?? [], scale = shown(), view = $("view");
  const pixel = view.width / Math.max(1, view.clientWidth);
  context.drawImage(picture.canvas, 0, 0, view.width, view.height);
  for (const face of faces) drawFace(context, face, lines, options(), scale, pixel);
  if (camera.running && !faces.length) drawGuide(context, guidePoints(), lines, scale, pixel);
  if (drawn) drawBox(context, { box: drawn, angle: 0 }, scale, pixel, true);
  if (faces.length) showCrop(faces[0].crop, landmarker.frame.size);
  showLatency(latency);
  $("find").disabled = camera.running;
  $("save-picture").disabled = false;
  for (const id of ["save-json", "benchmark"]) $(id).disabled = !faces.length;
}

/** The mean shape in the middle of the picture. */
function guidePoints() {
  const back = invert(frameMatrix(landmarker.frame, middle(0.5)));
  return landmarker.about.mean_shape.map((point) => transform(point, back));
}

// Measuring and saving

async function measure() {
  tell(`measuring ${RUNS} runs …`);
  latency.clear();
  for (let i = 0; i < WARM_UP + RUNS; i++) {
    const { milliseconds } = await landmarker.detect(picture, faces[0]);
    if (i >= WARM_UP) latency.add(milliseconds);
    // The page stays alive, and the browser does not think that it hangs.
    if (i % 20 === 0) await pause();
  }
  showLatency(latency);
  tell(`${RUNS} runs on this face.`);
}

function save(blob, ending) {
  const link = document.createElement("a"), stem = (picture.name ?? "face").replace(/\.[^.]*$/, "");
  link.href = URL.createObjectURL(blob);
  link.download = `${stem}_landmarks.${ending}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** As `keras-fld predict` writes it, with latency. */
function saveJson() {
  const { scheme } = landmarker.about;
  const text = JSON.stringify({
    image: picture.name,
    scheme: typeof scheme === "string" ? scheme : scheme?.name ?? null,
    faces: faces.map(({ box: [x, y, width, height], angle, landmarks }) => ({
      box: [...picture.original([x, y]), width / picture.scale, height / picture.scale],
      angle: (angle * 180) / Math.PI, // degrees, clockwise
      landmarks: landmarks.map((point) => picture.original(point)),
    })),
    milliseconds: latency.summary(),
    browser: navigator.userAgent,
  }, null, 1);
  save(new Blob([text], { type: "application/json" }), "json");
}

// What the user does

function watchButtons() {
  const onClick = (id, work) => $(id).addEventListener("click", () => queue(work));
  $("open").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", ({ target }) => {
    const [file] = target.files;
    queue(() => openPhoto(file));
    target.value = ""; // the same file may be opened again
  });
  $("camera").addEventListener("click", () => {
    if (camera.running) camera.stop();
    else startCamera().catch((error) => tell(error.message, true));
  });
  onClick("turn", () => camera.turn());
  onClick("guide", () => takeBox(middle(0.5)));
  onClick("find", findFaces);
  onClick("benchmark", measure);
  onClick("save-json", saveJson);
  $("save-picture").addEventListener("click", () => $("view").toBlob((blob) => save(blob, "png")));
  for (const id of ["lines", "points", "numbers", "box"]) $(id).addEventListener("change", show);
}

function watchDrops() {
  for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
    document.addEventListener(type, (event) => {
      event.preventDefault();
      $("stage").classList.toggle("over", type === "dragenter" || type === "dragover");
    });
  }
  const take = (files) => files.length && landmarker && queue(() => openPhoto(files[0]));
  document.addEventListener("drop", (event) => take(event.dataTransfer.files));
  document.addEventListener("paste", (event) => take(event.clipboardData.files));
}

/** Keeps what was loaded for a visit without network; a browser may refuse, in a private window. */
async function keepOffline() {
  try {
    await navigator.serviceWorker.register("offline.js");
    const own = performance.getEntriesByType("resource").map((entry) => entry.name)
      .filter((address) => address.startsWith(location.origin));
    const cache = await caches.open("keras-fld");
    await cache.addAll(new Set([location.href, ...own]));
    $("model").append(", kept for use offline");
  } catch (error) {
    console.info(`not kept for use offline: ${error.message}`);
  }
}

async function start() {
  watchBox($("view"), picture, (box) => {
    drawn = box;
    if (!camera.running) show();
  }, (box) => queue(() => takeBox(box)));
  watchDrops();
  watchButtons();
  const bytes = await (await load("model.tflite")).arrayBuffer(), { byteLength } = bytes;
  await loadRuntime("litert/");
  landmarker = await Landmarker.load(bytes);
  showAbout(landmarker.about, byteLength);
  try {
    detector = await BlazeFace.load();
  } catch (error) {
    tell(`No face detector (${error.message}): drag a box around the face.`, true);
  }
  for (const id of ["open", "camera"]) $(id).disabled = false;
  document.body.dataset.ready = "yes"; // for tests
  await keepOffline();
}

start().catch((error) => tell(`The page cannot start: ${error.message}`, true));
