// What a script adds to pages that already work without one. Nothing here is needed to read or to act.

// Pages that must be there when the server is not are kept in the browser. The worker itself is always asked for past any cache.
if (document.documentElement.dataset.worker) {
  navigator.serviceWorker?.register(document.documentElement.dataset.worker, { updateViaCache: "none" }).catch(console.error);
}

// A map opens when somebody asks for it: only then is anything of it loaded.
for (const island of document.querySelectorAll("[data-island]")) {
  const actions = island.querySelector(".actions");
  const button = island.querySelector("button");
  const status = island.querySelector("[role=status]");
  actions.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const { open } = await import(island.dataset.island);
      await open(island);
      actions.hidden = true;
    } catch (error) {
      console.error(error);
      island.querySelector(".map").hidden = true;
      status.textContent = island.dataset.failed;
      button.disabled = false;
    }
  });
}

// "Near me": the browser knows where we are, the form can be sent without it.
for (const button of document.querySelectorAll("button[data-near]")) {
  if (!navigator.geolocation) continue;
  button.hidden = false;
  button.addEventListener("click", () => {
    button.disabled = true;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        const to = new URL(location.href);
        // Three decimals are about 100 m: enough to sort by, no more than needed.
        to.searchParams.set("near", `${coords.longitude.toFixed(3)},${coords.latitude.toFixed(3)}`);
        location.assign(to);
      },
      () => {
        button.disabled = false;
        const status = document.getElementById(button.dataset.near);
        if (status) status.textContent = status.dataset.failed;
      },
      { timeout: 10000, maximumAge: 60000 },
    );
  });
}

// A list in the order of nearness, worked out on the device: where it is goes nowhere.
for (const box of document.querySelectorAll("[data-nearest]")) {
  if (!navigator.geolocation || !document.getElementById(box.dataset.list)) continue;
  const [actions, button, status] = [".actions", "button", "[role=status]"].map((part) => box.querySelector(part));
  actions.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await (await import(box.dataset.nearest)).open(box);
      status.textContent = box.dataset.done;
    } catch (error) {
      status.textContent = box.dataset.failed;
    }
    button.disabled = false;
  });
}

// "Use where I am": fills the field that one could also type.
for (const button of document.querySelectorAll("button[data-position]")) {
  if (!navigator.geolocation) continue;
  button.hidden = false;
  button.addEventListener("click", () => {
    navigator.geolocation.getCurrentPosition(({ coords }) => {
      document.getElementById(button.dataset.position).value =
        `${coords.longitude.toFixed(5)},${coords.latitude.toFixed(5)}`;
    });
  });
}

for (const button of document.querySelectorAll("button[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

// Reports wait on the phone while it has no connection.
for (const box of document.querySelectorAll("[data-outbox]")) {
  import(box.dataset.outbox).then(({ open }) => open(box), console.error);
}

// A form with a photo says how far it has come. What the town hall answers is shown as it would be without this.
for (const form of document.querySelectorAll("form[data-progress]")) {
  const line = document.getElementById(form.dataset.progress);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    const sending = new XMLHttpRequest();
    const plainly = () => form.submit(); // also where the way was cut: the browser then says so itself
    sending.open("POST", form.action);
    sending.upload.addEventListener("progress", ({ loaded, total }) => {
      line.querySelector("progress").value = total ? (100 * loaded) / total : 0;
    });
    sending.addEventListener("load", () => {
      document.open();
      document.write(sending.responseText);
      document.close();
    });
    sending.addEventListener("error", plainly);
    line.hidden = false;
    button.disabled = true;
    sending.send(new FormData(form));
  });
}
