// A keeper's reports wait on the phone while it has no connection; each has its own time and number, so that the city knows a
// repetition, and never puts an old one over a newer one. Only what the city took, by its number, is forgotten here; what it refused
// stays with its reason until the keeper has read it and puts it away. Without this, or without storage, the form is sent as it is.

const SECONDS = 20; // between two attempts
const MOST = 100; // in one request
const TOLERATED = 30_000; // milliseconds: what an answer needs on its way is no wrong clock

export function open(box) {
  const { key, to } = { key: `kitamae-outbox:${box.dataset.to}`, to: box.dataset.to };
  const say = box.querySelector("[role=status]");
  const kept = () => JSON.parse(localStorage.getItem(key) ?? "[]");
  const waiting = () => kept().filter((one) => !one.refused);
  let sending = false;
  let ahead = 0; // milliseconds by which the phone's clock is before the city's, as its last answer says

  try {
    kept();
  } catch (error) {
    console.info(error); // storage is blocked: each form goes by itself
    return;
  }

  const keep = (updates) =>
    updates.length ? localStorage.setItem(key, JSON.stringify(updates)) : localStorage.removeItem(key);

  const element = (name, textContent) => Object.assign(document.createElement(name), { textContent });

  const words = ([name, value]) => {
    const fields = [...document.getElementsByName(`v.${name}`)];
    const hidden = fields.find((one) => one.type === "hidden" && one.value === value);
    if (hidden) return hidden.dataset.words;
    const label = fields[0]?.closest("fieldset")?.querySelector("legend") ?? fields[0]?.labels?.[0];
    const chosen = fields.find((one) => one.type === "radio" && one.value === value)?.labels[0];
    return `${label?.textContent.trim() ?? name}：${chosen?.textContent.trim() ?? value}`;
  };

  const why = (status) => box.dataset[{ 403: "elsewhere", 404: "over", 410: "over" }[status] ?? "values"];

  // What was refused, in the words of the form that it came from.
  const refusals = () => {
    const refused = kept().filter((one) => one.refused);
    if (!refused.length) return [];
    const list = document.createElement("ul");
    for (const { at, values, refused: status } of refused) {
      const when = new Date(at).toLocaleString(document.documentElement.lang);
      const said = Object.entries(values).map(words).join("、");
      list.append(element("li", `${when} ${said} ${why(status)}`));
    }
    const away = Object.assign(element("button", box.dataset.away), { type: "button", className: "plain" });
    away.addEventListener("click", () => {
      keep(waiting());
      tell(waits());
    });
    return [element("p", box.dataset.refused), list, away];
  };

  const tell = (lines) => {
    const told = [...lines.map((line) => element("p", line)), ...refusals()];
    say.replaceChildren(...told);
    box.hidden = told.length === 0;
  };

  const waits = () => {
    const { length } = waiting();
    return length ? [box.dataset.waiting.replace("0", length)] : [];
  };

  const number = () => crypto.getRandomValues(new Uint32Array(4)).join("-").slice(0, 64);

  const read = (form) => {
    const values = {};
    for (const [name, value] of new FormData(form)) {
      if (name.startsWith("v.") && String(value).trim()) values[name.slice(2)] = String(value).trim();
    }
    const position = form.elements.position?.value.split(",").map(Number);
    const update = {
      id: number(),
      at: new Date(Date.now() - ahead).toISOString(),
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
      if (now) one.replaceChildren(...now.childNodes);
    }
  };

  const send = async () => {
    if (sending || !waiting().length) return;
    sending = true;
    try {
      const updates = waiting().slice(0, MOST);
      const answer = await fetch(to, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ updates }),
      });
      const ours = answer.headers.get("Content-Type")?.includes("json"); // not the sign-in page of a hotel's network
      if (!ours || answer.status === 429 || answer.status >= 500) throw new Error(`status ${answer.status}`);
      const told = await answer.json();
      // The whole was refused: the link is not known, for one.
      const answers = answer.ok
        ? told.answers
        : updates.map(({ id }) => ({ id, status: answer.status }));
      const clock = Date.parse(told.at);
      const off = Date.now() - clock;
      if (Number.isFinite(off)) ahead = Math.abs(off) > TOLERATED ? off : 0;
      const of = new Map(answers.map((one) => [one.id, one]));
      const sent = new Set(updates.map(({ id }) => id));
      keep(
        kept().flatMap((one) => {
          const { status } = (sent.has(one.id) && of.get(one.id)) || { status: 0 };
          if (status === 200) return [];
          if (status < 400 || status === 429 || status >= 500) return [one];
          // A clock that is ahead: nothing was kept of it there, so it goes once more with the time as the city has it.
          if (Date.parse(one.at) > clock) {
            return [{ ...one, at: new Date(Math.min(Date.parse(one.at) - ahead, clock)).toISOString() }];
          }
          return [{ ...one, refused: status }];
        }),
      );
      const outcomes = new Set(answers.filter((one) => one.status === 200).map(({ outcome }) => outcome));
      const lines = ["new", "known", "late"].filter((one) => outcomes.has(one)).map((one) => box.dataset[one]);
      tell([...lines, ...waits()]);
      await look();
    } catch (error) {
      console.info(error);
      tell(waits());
    } finally {
      sending = false;
    }
  };

  // On the document: a list that was looked at anew has new forms.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-outbox-form]")) return;
    const update = read(form);
    if (!Object.keys(update.values).length) return; // the city says what is missing
    try {
      keep([...kept(), update]);
    } catch (error) {
      console.info(error); // storage is full: the form goes as it is
      return;
    }
    event.preventDefault();
    form.reset();
    tell(waits());
    say.scrollIntoView({ block: "nearest" });
    send();
  });
  addEventListener("online", send);
  document.addEventListener("visibilitychange", () => document.hidden || send());
  setInterval(send, SECONDS * 1000);
  tell(waits());
  send();
}
