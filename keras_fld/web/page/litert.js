// LiteRT.js from the page's own folder. The npm package has its own file of this name, which imports
// @litertjs/core.

export { getGlobalLiteRtPromise, loadAndCompile, loadLiteRt, Tensor } from "./litert/core.js";
