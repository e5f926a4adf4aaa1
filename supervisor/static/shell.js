// @ts-check
// Service worker of the app's shell: the page and its files come from this device, so that the app opens without signal.
//
// The service puts the shell's version and files in front of this text, so that each version is another worker. It
// fetches its files in the background, takes over once it has all of them, and deletes those of the version before. Data
// and commands never pass through it.

const worker = /** @type {any} */ (self);
/** @type {{version: string, page: string, files: string[]}} */
const shell = worker.SHELL;
const PREFIX = "roadheat-shell-";
const NAME = PREFIX + shell.version;

async function fill() {
  await (await caches.open(NAME)).addAll([shell.page, ...shell.files]);
  await worker.skipWaiting();
}

const drop = async () => Promise.all((await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== NAME).map((name) => caches.delete(name)));

const answer = async (request, path) => (await (await caches.open(NAME)).match(path)) ?? fetch(request);

worker.addEventListener("install", (/** @type {any} */ event) => event.waitUntil(fill()));
worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(drop()));
worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== location.origin) return;
  if (event.request.mode === "navigate" && pathname === "/") event.respondWith(answer(event.request, shell.page));
  else if (shell.files.includes(pathname)) event.respondWith(answer(event.request, pathname));
});
