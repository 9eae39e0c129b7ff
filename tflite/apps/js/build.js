// Fills the package before `npm pack`: the modules that index.js needs from the web page, the face
// detector's files and the license are copied from the repository, so that it has each only once.

import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..", "..", "..");
const page = join(root, "keras_fld", "web", "page");
const detectors = join(root, "keras_fld", "predict", "detectors");

/** The modules that a source imports from the folder ./ or ./modules/. */
const imports = (source) => [...source.matchAll(/^(?:import|export)[^"]* from "\.\/([^"]+)"/gm)]
  .map(([, name]) => basename(name));

function copyModules(target) {
  const wanted = imports(readFileSync(join(here, "index.js"), "utf8")), done = new Set();
  while (wanted.length) {
    const name = wanted.pop();
    if (done.has(name)) continue;
    done.add(name);
    // This one differs: the package takes LiteRT.js from npm.
    const source = readFileSync(join(name === "litert.js" ? here : page, name), "utf8");
    writeFileSync(join(target, name), source);
    wanted.push(...imports(source));
  }
}

function copyDetector(target) {
  for (const name of ["face_detection_short_range.tflite", "face_detection_full_range.tflite",
    "NOTICE.md"]) {
    copyFileSync(join(detectors, "blazeface", name), join(target, name));
  }
  copyFileSync(join(detectors, "box_maps.json"), join(target, "box_maps.json"));
}

for (const [folder, fill] of [["modules", copyModules], ["blazeface", copyDetector]]) {
  const target = join(here, folder);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  fill(target);
}
copyFileSync(join(root, "LICENSE"), join(here, "LICENSE"));
