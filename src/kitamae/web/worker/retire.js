// The city has switched its worker off: this one takes the place of whichever is there, throws away what it kept, and goes.
"use strict";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) await caches.delete(name);
      await self.registration.unregister();
      for (const one of await self.clients.matchAll({ type: "window" })) one.navigate(one.url);
    })(),
  );
});
