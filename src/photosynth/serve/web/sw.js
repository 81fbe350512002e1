// The service worker: keeps the page's own files, so that it starts without a network. Models and pictures are kept by
// the page itself (src/server.ts). FILES and VERSION are filled in by scripts/finish.mjs.
const VERSION = "cb721ae8cdf8";
const FILES = ["assets/index-C948qUmg.js","assets/index-DHX85bwI.css","assets/ort-1.30.0.wasm.gz","assets/ort-wasm-simd-threaded-qyIweqWS.js","assets/worker-COlfkMCB.js","icons/apple-touch-icon.png","icons/icon-192.png","icons/icon-512.png","icons/icon.svg","icons/maskable-512.png","index.html","licences.txt","manifest.webmanifest"];
const CACHE = `photosynth-shell-${VERSION}`;

self.addEventListener("install", (event) => {
  const requests = FILES.map((file) => new Request(file, { cache: file.startsWith("assets/") ? "default" : "reload" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(requests)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = (name) => name.startsWith("photosynth-shell-") && name !== CACHE;
  const tidy = caches.keys().then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name))));
  event.waitUntil(tidy.then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const root = new URL("./", self.registration.scope);
  if (event.request.method !== "GET" || url.origin !== root.origin || !url.pathname.startsWith(root.pathname)) return;
  const path = url.pathname.slice(root.pathname.length);
  const file = path === "" ? "index.html" : path;
  if (FILES.includes(file)) {
    event.respondWith(caches.match(new URL(file, root).href).then((kept) => kept || fetch(event.request)));
  }
});
