// A page on a wall's screen: turns its sheets where motion is wanted, and takes over what the city says now. Without it, it is one long page.

const TURN = 12000; // milliseconds for one sheet: read by somebody who walks past
const ANEW = 30000;
const moving = matchMedia("(prefers-reduced-motion: no-preference)");
const pause = document.querySelector("[data-pause]");
let at = 0;
let still = false;

function show() {
  const sheets = [...document.querySelectorAll(".turned")];
  const one = sheets.length > 1 && moving.matches && !still;
  at %= sheets.length || 1;
  sheets.forEach((sheet, n) => (sheet.hidden = one && n !== at));
}

/** Nothing but what is shown: a page that cannot be had leaves the former one, which says how old it is. */
async function anew() {
  if (still) return;
  try {
    const answer = await fetch(location.href, { cache: "no-cache", headers: { accept: "text/html" } });
    if (!answer.ok) return;
    const read = new DOMParser().parseFromString(await answer.text(), "text/html");
    const main = read.querySelector("main");
    if (main) document.querySelector("main").replaceChildren(...main.childNodes);
    show();
  } catch {} // the next look is half a minute away
}

if (pause) {
  const words = [pause.textContent, pause.dataset.go];
  pause.hidden = false;
  pause.addEventListener("click", () => {
    still = !still;
    pause.textContent = words[Number(still)];
    show();
  });
}
moving.addEventListener("change", show);
show();
setInterval(() => {
  if (still || !moving.matches) return;
  at += 1;
  show();
}, TURN);
setInterval(anew, ANEW);
