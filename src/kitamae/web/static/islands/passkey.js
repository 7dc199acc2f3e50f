// Passkeys: the browser asks the device, and the form carries what it answers. Without a script the page says what to do instead.
for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) continue; // the text for those without stays
  const button = form.querySelector("button");
  const status = form.querySelector("[role=status]");
  const create = form.dataset.passkey === "create";
  form.querySelector(".without").hidden = true;
  button.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    status.textContent = "";
    try {
      const options = JSON.parse(form.dataset.options);
      const credential = create
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
      form.elements.credential.value = JSON.stringify(credential);
      form.submit();
    } catch {
      status.textContent = status.dataset.failed;
      button.disabled = false;
    }
  });
}
