// LiteRT, which runs models in WebAssembly.

import { getGlobalLiteRtPromise, loadAndCompile, loadLiteRt, Tensor } from "./litert.js";

/**
 * Loads LiteRT, unless the page has done so already.
 *
 * @param folder URL of the folder with LiteRT's .wasm files
 */
export async function loadRuntime(folder) {
  if (getGlobalLiteRtPromise()) return void await getGlobalLiteRtPromise();
  if (!folder) throw new Error("wasm must be the URL of the folder with LiteRT's .wasm files");
  const address = new URL(folder, document.baseURI).href;
  try {
    await loadLiteRt(address);
  } catch (error) {
    // A script that is missing throws an Event.
    throw new Error(`LiteRT cannot be loaded from ${address}`, { cause: error });
  }
}

/** Compiles a .tflite file, an ArrayBuffer. */
export async function compile(bytes) {
  return loadAndCompile(new Uint8Array(bytes), { accelerator: "wasm" });
}

/** Runs a model with one input; returns the values of each output. */
export async function run(model, numbers, shape) {
  const input = new Tensor(numbers, shape);
  const outputs = await model.run([input]);
  try {
    return await Promise.all(outputs.map((output) => output.data()));
  } finally {
    for (const tensor of [input, ...outputs]) tensor.delete();
  }
}

/** Fetches a file; an answer such as "not found" is an error. */
export async function load(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: HTTP status ${response.status}`);
  return response;
}

/** Lets the browser draw and handle events during long work. */
export const pause = () => globalThis.scheduler?.yield?.()
  ?? new Promise((resolve) => setTimeout(resolve));
