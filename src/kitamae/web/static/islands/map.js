// The map: exactly the entries of this page's lists that have a position, on a ground that the city drew itself.
// Loaded only when somebody opens it. No font server: names are drawn with the reader's own fonts.
import { GeolocateControl, LngLatBounds, Map, Marker, NavigationControl, Popup, ScaleControl, addProtocol } from "../vendor/maplibre-gl/maplibre-gl.mjs";

const VENDOR = new URL("../vendor/", import.meta.url);
const FONTS = '"Noto Sans JP", "Noto Sans CJK JP", "Hiragino Sans", "Yu Gothic UI", sans-serif';
const SVG = "http://www.w3.org/2000/svg";
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Opens the map of an island element. Rejects when the browser cannot draw it. */
export async function open(island) {
  const place = island.querySelector(".map");
  await Promise.all([style("maplibre-gl/maplibre-gl.css"), script("pmtiles/pmtiles.js")]);
  const tiles = new URL(island.dataset.tiles, location.href).href;
  addProtocol("pmtiles", new globalThis.pmtiles.Protocol().tile);
  const city = (await exists(tiles)) ? await new globalThis.pmtiles.PMTiles(tiles).getHeader() : null;
  place.hidden = false;
  const entries = [...document.querySelectorAll("[data-lon]")];
  const map = new Map({
    container: place,
    style: ground(city ? tiles : null, document.documentElement.lang),
    bounds: around(entries, city),
    fitBoundsOptions: { padding: 48, maxZoom: 15, animate: false },
    localIdeographFontFamily: FONTS,
    attributionControl: false,
    cooperativeGestures: true,
    dragRotate: false,
    pitchWithRotate: false,
    fadeDuration: calm ? 0 : 300,
    locale: words(island),
  });
  map.touchZoomRotate.disableRotation();
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new GeolocateControl({}), "top-right");
  map.addControl(new ScaleControl({ unit: "metric" }));
  for (const entry of entries) mark(map, entry, island.dataset.icons);
  await new Promise((done, failed) => {
    map.once("load", done);
    map.once("error", ({ error }) => failed(error));
  });
  island.dataset.opened = entries.length;
  return map;
}

function mark(map, entry, icons) {
  const { lon, lat, name, icon } = entry.dataset;
  const button = document.createElement("button");
  button.type = "button";
  button.className = `pin pin-${icon}`;
  button.setAttribute("aria-label", name);
  const drawing = button.appendChild(document.createElementNS(SVG, "svg"));
  drawing.setAttribute("aria-hidden", "true");
  drawing.setAttribute("class", "icon");
  drawing.appendChild(document.createElementNS(SVG, "use")).setAttribute("href", `${icons}#${icon}`);
  const card = document.createElement("div");
  const title = card.appendChild(document.createElement("p"));
  title.append(entry.querySelector("h2 a, h3 a, h4 a")?.cloneNode(true) ?? name);
  card.append(...[...entry.querySelectorAll(":scope > p, :scope > .hazards")].map((part) => part.cloneNode(true)));
  const popup = new Popup({ offset: 18, maxWidth: "18rem", focusAfterOpen: true }).setDOMContent(card);
  new Marker({ element: button }).setLngLat([+lon, +lat]).setPopup(popup).addTo(map);
  popup.on("open", () => entry.classList.add("chosen"));
  popup.on("close", () => entry.classList.remove("chosen"));
}

/** What is in the city, where anything is: a gauge far up the coast must not make the city a speck. */
function around(entries, city) {
  const points = entries.map(({ dataset }) => [+dataset.lon, +dataset.lat]);
  const within = points.filter(([lon, lat]) => city && lon >= city.minLon && lon <= city.maxLon && lat >= city.minLat && lat <= city.maxLat);
  const bounds = new LngLatBounds();
  for (const point of within.length ? within : points) bounds.extend(point);
  return bounds.isEmpty() ? undefined : bounds;
}

function ground(tiles, language) {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const [sea, land, edge, ink] = dark ? ["#0f2434", "#22384a", "#97d3ff", "#eef3f7"] : ["#dcebf2", "#fdfcf7", "#0055ad", "#1a1a1a"];
  const layers = [{ id: "ground", type: "background", paint: { "background-color": sea } }];
  if (!tiles) return { version: 8, sources: {}, layers };
  const name = { en: ["coalesce", ["get", "en"], ["get", "ja"]], "ja-Hira": ["coalesce", ["get", "kana"], ["get", "ja"]] }[language] ?? ["get", "ja"];
  layers.push(
    { id: "area", type: "fill", source: "city", "source-layer": "area", paint: { "fill-color": land } },
    { id: "edge", type: "line", source: "city", "source-layer": "area", paint: { "line-color": edge, "line-width": 1.5, "line-opacity": 0.6 } },
    {
      id: "names", type: "symbol", source: "city", "source-layer": "label",
      layout: {
        "text-field": name, "text-font": ["sans-serif"], "symbol-sort-key": ["get", "rank"], "text-padding": 6,
        "text-anchor": "top", "text-offset": [0, 1],
        "text-size": ["case", ["<", ["get", "rank"], 2], 15, 12],
      },
      paint: { "text-color": ink, "text-halo-color": land, "text-halo-width": 1.5 },
    },
  );
  return { version: 8, sources: { city: { type: "vector", url: `pmtiles://${tiles}` } }, layers };
}

async function exists(url) {
  const answer = await fetch(url, { method: "HEAD" });
  return answer.ok;
}

function style(path) {
  return loaded(Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL(path, VENDOR).href }));
}

function script(path) {
  if (globalThis.pmtiles) return undefined;
  return loaded(Object.assign(document.createElement("script"), { src: new URL(path, VENDOR).href }));
}

function loaded(element) {
  return new Promise((done, failed) => {
    element.addEventListener("load", done);
    element.addEventListener("error", () => failed(new Error(`${element.src ?? element.href} did not load`)));
    document.head.append(element);
  });
}

function words(island) {
  const { zoomIn, zoomOut, findMe, noFindMe, mapTitle, closeWord, gestureMouse, gestureTouch } = island.dataset;
  return {
    "Map.Title": mapTitle,
    "NavigationControl.ZoomIn": zoomIn,
    "NavigationControl.ZoomOut": zoomOut,
    "GeolocateControl.FindMyLocation": findMe,
    "GeolocateControl.LocationNotAvailable": noFindMe,
    "Popup.Close": closeWord,
    "CooperativeGesturesHandler.WindowsHelpText": gestureMouse,
    "CooperativeGesturesHandler.MacHelpText": gestureMouse,
    "CooperativeGesturesHandler.MobileHelpText": gestureTouch,
  };
}
