// What is older than it says it may be is shown as old: [data-asof] is a moment, [data-old] minutes.
"use strict";
{
  const look = () => {
    for (const one of document.querySelectorAll("[data-asof]")) {
      const old = Date.now() - Date.parse(one.dataset.asof) > Number(one.dataset.old) * 60000;
      one.classList.toggle("old", old);
      for (const said of one.querySelectorAll("[data-when-old]")) said.hidden = !old;
    }
  };
  look();
  setInterval(look, 15000);
}
