// What the page saves.

/**
 * Saves a blob as a download.
 *
 * @param name of the picture
 * @param ending of the new file
 */
export function save(blob, name, ending) {
  const link = document.createElement("a"), stem = (name ?? "face").replace(/\.[^.]*$/, "");
  link.href = URL.createObjectURL(blob);
  link.download = `${stem}_landmarks.${ending}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** The faces as `keras-fld predict` writes them, with the latency measured here; a Blob. */
export function asJson(picture, faces, about, latency) {
  const { scheme } = about;
  const text = JSON.stringify({
    image: picture.name,
    scheme: typeof scheme === "string" ? scheme : scheme?.name ?? null,
    faces: faces.map(({ box: [x, y, width, height], angle, landmarks }) => ({
      box: [...picture.original([x, y]), width / picture.scale, height / picture.scale],
      angle: (angle * 180) / Math.PI, // degrees, clockwise
      landmarks: landmarks.map((point) => picture.original(point)),
    })),
    milliseconds: latency.summary(),
    runs: latency.count,
    browser: navigator.userAgent,
  }, null, 1);
  return new Blob([text], { type: "application/json" });
}

/** Keeps the loaded files for a visit without network; a private window may refuse. */
export async function keepOffline() {
  try {
    await navigator.serviceWorker.register("offline.js");
    const own = performance.getEntriesByType("resource").map((entry) => entry.name)
      .filter((address) => address.startsWith(location.origin));
    const cache = await caches.open("keras-fld");
    await cache.addAll(new Set([location.href, new URL("sample.jpg", location.href).href, ...own]));
    return true;
  } catch (error) {
    console.info(`not available offline: ${error.message}`);
    return false;
  }
}
