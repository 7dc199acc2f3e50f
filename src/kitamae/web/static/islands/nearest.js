// Puts a page's list in the order of nearness to where the device is. That is worked out here: the position is neither sent nor kept.

const EARTH = 6371008.8; // metres

/** `box`: the element with the button; its list is named by data-list. Rejects when the device does not say where it is. */
export async function open(box) {
  const { coords } = await new Promise((done, failed) => {
    navigator.geolocation.getCurrentPosition(done, failed, { timeout: 10000, maximumAge: 60000 });
  });
  const list = document.getElementById(box.dataset.list);
  const found = [...list.children].map((entry) => {
    const line = entry.querySelector("[data-rank]");
    const { lon, lat } = entry.dataset;
    const away = lon === undefined ? Infinity : metres(coords.longitude, coords.latitude, +lon, +lat);
    line.hidden = away === Infinity;
    line.textContent = line.hidden ? "" : words(box, away, bearing(coords.longitude, coords.latitude, +lon, +lat));
    return { entry, away, rank: Number(line.dataset.rank) };
  });
  found.sort((one, other) => one.rank - other.rank || one.away - other.away || 0);
  list.append(...found.map(({ entry }) => entry));
}

function words({ dataset }, away, degrees) {
  const said = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
  const told = away < 1000 ? `${said.format(Math.round(away / 10) * 10)} m` : `${said.format(away / 1000)} km`;
  const exact = Math.max(1, Math.ceil((away * dataset.detour) / dataset.pace));
  const minutes = said.format(exact <= 15 ? exact : Math.ceil(exact / 5) * 5);
  const direction = dataset.directions.split("|")[Math.round(degrees / 45) % 8];
  return dataset.words.replace("{away}", told).replace("{direction}", direction).replace("{minutes}", minutes);
}

function metres(lon, lat, toLon, toLat) {
  const [east, north, toEast, toNorth] = [lon, lat, toLon, toLat].map(radians);
  const half = Math.sin((toNorth - north) / 2) ** 2 + Math.cos(north) * Math.cos(toNorth) * Math.sin((toEast - east) / 2) ** 2;
  return 2 * EARTH * Math.asin(Math.sqrt(Math.min(half, 1)));
}

/** Clockwise from north, in degrees. */
function bearing(lon, lat, toLon, toLat) {
  const [east, north, toEast, toNorth] = [lon, lat, toLon, toLat].map(radians);
  const across = Math.sin(toEast - east) * Math.cos(toNorth);
  const along = Math.cos(north) * Math.sin(toNorth) - Math.sin(north) * Math.cos(toNorth) * Math.cos(toEast - east);
  return ((Math.atan2(across, along) * 180) / Math.PI + 360) % 360;
}

function radians(degrees) {
  return (degrees * Math.PI) / 180;
}
