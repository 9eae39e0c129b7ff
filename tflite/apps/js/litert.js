// LiteRT.js from its npm package. In the web page, a file of this name imports the page's own copy.

export { getGlobalLiteRtPromise, loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";
