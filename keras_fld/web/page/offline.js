// Service worker: serves the page's files from a cache if there is no network.
//
// The network comes first, so that a new model at the same address is used. saving.js fills the cache.

const CACHE = "keras-fld";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  if (event.request.method === "GET") event.respondWith(answer(event.request));
});

async function answer(request) {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await caches.match(request, { cacheName: CACHE, ignoreVary: true });
    if (kept) return kept;
    throw error;
  }
}
