// Keeps the pages of PAGES (addresses), what they are drawn with, and the map's ground, for when the server does not answer.
// RELEASE names this worker: what an older one kept is thrown away. Everything that is not listed here goes to the server untouched.
"use strict";

const KEPT = `kept-${RELEASE}`;
const PATIENCE = 2000; // milliseconds for the network before the kept page is shown
const GROUND = "/map/basemap.pmtiles";
const LONG = 3600000; // milliseconds after which the ground is fetched anew

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(Promise.allSettled(PAGES.map(fresh))); // not all or nothing: a page that cannot be had now is kept at its next visit
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name !== KEPT && (await carried(name))) await caches.delete(name);
      await self.clients.claim();
    })(),
  );
});

/** What this release could not get yet is taken over from the one before: it may be the only copy. False where it cannot be. */
async function carried(name) {
  try {
    const [former, kept] = [await caches.open(name), await caches.open(KEPT)];
    for (const one of await former.keys()) if (!(await kept.match(one))) await kept.put(one, await former.match(one));
    return true;
  } catch (error) {
    console.error(error);
    return false;
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (url.pathname === GROUND && ["GET", "HEAD"].includes(request.method)) event.respondWith(ground(event));
  else if (request.method !== "GET") return;
  else if (request.mode === "navigate" && PAGES.includes(url.pathname)) event.respondWith(page(event, url));
  else if (url.pathname.startsWith("/static/")) event.respondWith(drawing(request));
});

/** The page as it is, or after PATIENCE, or when the server cannot, as it was. */
async function page(event, url) {
  const now = fetch(event.request); // answered first, stored afterwards: a full phone or a slow line keeps nobody waiting
  event.waitUntil(now.then((answer) => keep(url.pathname + url.search, answer.clone())).catch(console.error));
  const late = new Promise((done) => setTimeout(done, PATIENCE));
  const answer = await Promise.race([now.catch(() => {}), late]);
  if (answer && answer.status < 500) return answer;
  return (await was(url)) ?? now;
}

async function was(url) {
  const kept = await caches.open(KEPT);
  return (await kept.match(url.pathname + url.search)) ?? kept.match(url.pathname, { ignoreSearch: true });
}

/** Only what everybody sees alike has an ETag here: nothing that was drawn for one person is kept. */
async function keep(address, answer) {
  if (!answer.ok || answer.redirected || !answer.headers.has("ETag")) return;
  const kept = await caches.open(KEPT);
  await kept.put(address, answer.clone());
  const text = await answer.text();
  const drawn = [...text.matchAll(/(?:src|href|data-island|data-icons)="(\/static\/[^"#]*)"/g)].map(([, found]) => found);
  await Promise.allSettled([...new Set(drawn)].map(async (one) => (await kept.match(one)) ?? kept.add(one)));
}

async function fresh(address) {
  return keep(address, await fetch(address, { credentials: "same-origin" }));
}

/** What has a digest in its address never changes; of the rest the network's is better. */
async function drawing(request) {
  const kept = await caches.open(KEPT);
  const there = await kept.match(request);
  if (there && new URL(request.url).searchParams.has("v")) return there;
  try {
    const answer = await fetch(request);
    if (answer.status === 200) kept.put(request, answer.clone()).catch(console.error);
    return answer;
  } catch (error) {
    if (there) return there;
    throw error;
  }
}

/** The map reads parts of one file: once it is opened the whole is kept, and parts are cut from it when the server does not answer. */
async function ground(event) {
  event.waitUntil(whole().catch(() => {}));
  try {
    const answer = await fetch(event.request, { signal: AbortSignal.timeout(PATIENCE) });
    if (answer.status < 500) return answer;
  } catch {} // then as it was
  const there = await (await caches.open(KEPT)).match(GROUND);
  if (!there) return Response.error();
  if (event.request.method === "HEAD") return new Response(null, { headers: there.headers });
  return part(there, event.request.headers.get("Range"));
}

async function whole() {
  const kept = await caches.open(KEPT);
  const there = await kept.match(GROUND);
  if (there && Date.now() - Date.parse(there.headers.get("Date")) < LONG) return;
  const answer = await fetch(GROUND);
  if (answer.status === 200) await kept.put(GROUND, answer);
}

async function part(answer, range) {
  const bytes = await answer.arrayBuffer();
  const asked = /^bytes=(\d+)-(\d*)$/.exec(range ?? "");
  if (!asked) return new Response(bytes, { headers: answer.headers });
  const from = Number(asked[1]);
  const to = Math.min(asked[2] ? Number(asked[2]) : Infinity, bytes.byteLength - 1);
  if (from > to) return new Response(null, { status: 416, headers: { "Content-Range": `bytes */${bytes.byteLength}` } });
  const headers = { "Content-Range": `bytes ${from}-${to}/${bytes.byteLength}`, "Content-Length": String(to - from + 1) };
  const mark = answer.headers.get("ETag");
  return new Response(bytes.slice(from, to + 1), { status: 206, headers: mark ? { ...headers, ETag: mark } : headers });
}
