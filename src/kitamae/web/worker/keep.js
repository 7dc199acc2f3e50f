// Keeps the pages of PAGES (addresses; those of FIRST before anybody looked at them), what they are drawn with, and the map's ground, for when the server does not answer.
// RELEASE names this worker: what an older one kept is thrown away. Everything that is not listed here goes to the server untouched.
"use strict";

const KEPT = `kept-${RELEASE}`;
const PATIENCE = 2000; // milliseconds for the network before the kept page is shown
const GROUND = "/map/basemap.pmtiles";
const LONG = 3600000; // milliseconds after which the ground is fetched anew

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(Promise.allSettled(FIRST.map(fresh))); // not all or nothing: a page that cannot be had now is kept at its next visit
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name !== KEPT && (await carried(name))) await caches.delete(name);
      await self.clients.claim();
    })(),
  );
});

/** What this release could not get yet is taken over from the one before: it may be the only copy. Of what a page is drawn with, what the
 *  kept pages name, and of every other file one, the last: the rest goes with the former cache. False where it cannot be. */
async function carried(name) {
  try {
    const [former, kept] = [await caches.open(name), await caches.open(KEPT)];
    const there = (await former.keys()).reverse();
    const pages = there.filter(isPage);
    for (const one of pages) if (!(await kept.match(one))) await kept.put(one, await former.match(one));
    const needed = new Set(await drawnWith(kept, pages));
    const rest = there.filter(isDrawing).sort((one, other) => needed.has(address(other)) - needed.has(address(one)));
    for (const one of rest)
      if (!(await kept.match(one, { ignoreSearch: !needed.has(address(one)) }))) await kept.put(one, await former.match(one));
    return true;
  } catch (error) {
    console.error(error);
    return false;
  }
}

function address(request) {
  const url = new URL(request.url);
  return url.pathname + url.search;
}

function isPage(request) {
  return PAGES.includes(new URL(request.url).pathname);
}

function isDrawing(request) {
  const { pathname } = new URL(request.url);
  return pathname.startsWith("/static/") || pathname === GROUND;
}

/** Addresses of what these pages, as they are kept, are drawn with. */
async function drawnWith(kept, pages) {
  const texts = await Promise.all(pages.map(async (one) => (await (await kept.match(one))?.text()) ?? ""));
  return texts.flatMap(drawings);
}

function drawings(text) {
  return [...text.matchAll(/(?:src|href|data-[a-z]+)="(\/static\/[^"#]*)"/g)].map(([, found]) => found);
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
  await Promise.allSettled([...new Set(drawings(text))].map(async (one) => (await kept.match(one)) ?? kept.add(one)));
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
    if (answer.status === 200) store(kept, request, answer.clone()).catch(console.error);
    return answer;
  } catch (error) {
    if (there) return there;
    throw error;
  }
}

/** In the place of what the same file was before, unless a page that is kept still names that. */
async function store(kept, request, answer) {
  await kept.put(request, answer);
  const former = (await kept.keys(request, { ignoreSearch: true })).filter((one) => one.url !== request.url);
  if (!former.length) return;
  const needed = new Set(await drawnWith(kept, (await kept.keys()).filter(isPage)));
  for (const one of former) if (!needed.has(address(one))) await kept.delete(one);
}

/** The map reads parts of one file: once it is opened the whole is kept, and parts are cut from it when the server does not answer. */
async function ground(event) {
  event.waitUntil(whole().catch(() => {}));
  const late = new Promise((done) => setTimeout(done, PATIENCE)); // for its first word: a part that comes slowly comes whole
  const now = fetch(event.request);
  const answer = await Promise.race([now.catch(() => {}), late]);
  if (answer && answer.status < 500) return answer;
  const there = await (await caches.open(KEPT)).match(GROUND);
  if (!there) return now;
  if (event.request.method === "HEAD") return new Response(null, { headers: there.headers });
  return part(there, event.request.headers.get("Range"));
}

let fetching = null; // each part asks for the whole: it is fetched once

function whole() {
  fetching ??= stored().finally(() => (fetching = null));
  return fetching;
}

async function stored() {
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
