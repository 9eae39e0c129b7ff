// LiteRT, which runs models in WebAssembly.

import { loadAndCompile, loadLiteRt, Tensor } from "./litert/core.js";

let loading;

/** A model of a .tflite file's bytes, an ArrayBuffer. */
export async function compile(bytes) {
  loading ??= loadLiteRt(new URL("litert/", document.baseURI).pathname);
  await loading;
  return loadAndCompile(new Uint8Array(bytes), { accelerator: "wasm" });
}

/** The numbers of a model's outputs for those of its one input. */
export async function run(model, numbers, shape) {
  const input = new Tensor(numbers, shape);
  const outputs = await model.run([input]);
  try {
    return await Promise.all(outputs.map((output) => output.data()));
  } finally {
    for (const tensor of [input, ...outputs]) tensor.delete();
  }
}

/** A file of the page. */
export async function load(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return response;
}

/** Leaves the browser time to draw and to listen, amid long work. */
export const pause = () => globalThis.scheduler?.yield?.()
  ?? new Promise((resolve) => setTimeout(resolve));
