// A keeper's reports wait on the phone while it has no connection; each has its own time and number, so that the city knows a
// repetition, and never puts an old one over a newer one. Without this the form is sent as it is.

const SECONDS = 20; // between two attempts
const MOST = 100; // in one request

export function open(box) {
  const { key, to } = { key: `kitamae-outbox:${box.dataset.to}`, to: box.dataset.to };
  const say = box.querySelector("[role=status]");
  const forms = document.querySelectorAll("form[data-outbox-form]");
  const kept = () => JSON.parse(localStorage.getItem(key) ?? "[]");
  let sending = false;

  const keep = (updates) =>
    updates.length ? localStorage.setItem(key, JSON.stringify(updates)) : localStorage.removeItem(key);

  const tell = (lines) => {
    say.replaceChildren(
      ...lines.map((line) => Object.assign(document.createElement("p"), { textContent: line })),
    );
    box.hidden = lines.length === 0;
  };

  const waits = () => {
    const { length } = kept();
    return length ? [box.dataset.waiting.replace("0", length)] : [];
  };

  const read = (form) => {
    const values = {};
    for (const [name, value] of new FormData(form)) {
      if (name.startsWith("v.") && String(value).trim()) values[name.slice(2)] = String(value).trim();
    }
    const position = form.elements.position?.value.split(",").map(Number);
    const update = {
      id: crypto.getRandomValues(new Uint32Array(4)).join("-").slice(0, 64),
      at: new Date().toISOString(),
      entity: form.elements.entity.value,
      values,
    };
    return position?.length === 2 && position.every(Number.isFinite) ? { ...update, position } : update;
  };

  // What the city knows now, as its own page says it.
  const look = async () => {
    const page = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    if (!page.ok) return;
    const fresh = new DOMParser().parseFromString(await page.text(), "text/html");
    for (const one of document.querySelectorAll("[id$=-now]")) {
      const now = fresh.getElementById(one.id);
      if (now) one.textContent = now.textContent;
    }
  };

  const send = async () => {
    if (sending || !kept().length) return;
    sending = true;
    try {
      const updates = kept().slice(0, MOST);
      const answer = await fetch(to, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ updates }),
      });
      const ours = answer.headers.get("Content-Type")?.includes("json"); // not the sign-in page of a hotel's network
      if (!ours || answer.status === 429 || answer.status >= 500) throw new Error(`status ${answer.status}`);
      const answers = answer.ok ? (await answer.json()).answers : [];
      const again = new Set(answers.filter((one) => one.status === 429 || one.status >= 500).map(({ id }) => id));
      const done = new Set(updates.map(({ id }) => id).filter((id) => !again.has(id)));
      keep(kept().filter(({ id }) => !done.has(id)));
      const told = new Set(answers.filter((one) => one.status === 200).map(({ outcome }) => outcome));
      const lines = ["new", "known", "late"].filter((one) => told.has(one)).map((one) => box.dataset[one]);
      if (!answer.ok || answers.some((one) => one.status >= 400 && one.status < 500 && one.status !== 429)) {
        lines.push(box.dataset.refused);
      }
      tell([...lines, ...waits()]);
      await look();
    } catch (error) {
      console.info(error);
      tell(waits());
    } finally {
      sending = false;
    }
  };

  for (const form of forms) {
    form.addEventListener("submit", (event) => {
      const update = read(form);
      if (!Object.keys(update.values).length) return; // the city says what is missing
      event.preventDefault();
      keep([...kept(), update]);
      form.reset();
      tell(waits());
      say.scrollIntoView({ block: "nearest" });
      send();
    });
  }
  addEventListener("online", send);
  document.addEventListener("visibilitychange", () => document.hidden || send());
  setInterval(send, SECONDS * 1000);
  tell(waits());
  send();
}
