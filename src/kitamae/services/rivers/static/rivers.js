// Puts a gauge's new card in the place of the old one when the server says that something changed.
// Without this the page is the same; "reload" is a link on it.

const list = document.querySelector("[data-live]");
const status = document.getElementById("rivers-live");

function put({ id, html }) {
  const old = document.getElementById(id);
  if (!old) return;
  const made = document.createElement("template");
  made.innerHTML = html;
  const card = made.content.firstElementChild;
  const held = old.contains(document.activeElement);
  old.replaceWith(card);
  if (held) card.querySelector("a").focus();
  card.classList.add("new");
  setTimeout(() => card.classList.remove("new"), 3000);
  const name = card.dataset.name ?? card.querySelector("a").textContent;
  status.textContent = `${status.dataset.changed} ${name}`;
}

if (list && status && "EventSource" in window) {
  const events = new EventSource(list.dataset.live + location.search);
  events.addEventListener("open", () => (status.textContent = status.dataset.on));
  events.addEventListener("error", () => (status.textContent = status.dataset.off));
  events.addEventListener("gauge", (event) => put(JSON.parse(event.data)));
  addEventListener("pagehide", () => events.close());
}
