// Notices in this browser: the browser makes the address, the form carries it. Without a script the page says what else there is.
const form = document.querySelector("#choose[data-key]");
const button = form.querySelector("button[value=push]");
const status = form.querySelector("[role=status]");

if (button && "serviceWorker" in navigator && "PushManager" in window && "Notification" in window) {
  button.hidden = false;
  for (const text of document.querySelectorAll(".without")) text.hidden = true;
  button.addEventListener("click", async (event) => {
    if (form.elements.endpoint.value) return; // the second time, with what the browser gave
    event.preventDefault();
    button.disabled = true;
    status.textContent = "";
    try {
      if ((await Notification.requestPermission()) !== "granted") throw new Error("not allowed");
      fill(await subscription(await navigator.serviceWorker.ready));
      button.disabled = false;
      form.requestSubmit(button);
    } catch (error) {
      console.warn(error);
      status.textContent = status.dataset.failed;
      button.disabled = false;
    }
  });
  there();
}

/** A new one where the city has another key by now: the old one would be of no use. */
async function subscription(worker) {
  const key = bytes(form.dataset.key);
  const known = await worker.pushManager.getSubscription();
  const same = known?.options?.applicationServerKey && text(known.options.applicationServerKey) === form.dataset.key;
  if (known && same) return known;
  await known?.unsubscribe();
  return worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}

function fill(one) {
  form.elements.endpoint.value = one.endpoint;
  for (const name of ["p256dh", "auth"]) form.elements[name].value = text(one.getKey(name));
}

/** Who is subscribed leaves with one tap. The browser's own address goes with it. */
async function there() {
  const worker = await navigator.serviceWorker.getRegistration();
  const known = await worker?.pushManager.getSubscription();
  if (!known) return;
  const mine = document.getElementById("mine");
  mine.hidden = false;
  mine.querySelector("[name=endpoint]").value = known.endpoint;
  mine.querySelector("form").addEventListener("submit", () => void known.unsubscribe());
}

const bytes = (said) => Uint8Array.from(atob(said.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
