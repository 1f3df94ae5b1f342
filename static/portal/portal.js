/* Small comforts. Every page works without this file. */
(() => {
  const all = (selector, root = document) => root.querySelectorAll(selector);
  const speak = (text) => {
    const place = document.getElementById("spoken");
    place.textContent = "";
    setTimeout(() => { place.textContent = text; }, 50);
  };

  const copy = async (button) => {
    await navigator.clipboard.writeText(button.dataset.copy);
    speak(button.dataset.copied);
    button.classList.add("done");
    setTimeout(() => button.classList.remove("done"), 1500);
  };

  const keys = document.getElementById("keys");
  const help = () => keys.open || keys.showModal();

  const wake = (root) => {
    if (navigator.clipboard) all("[data-copy]", root).forEach((button) => { button.hidden = false; });
    all("[data-keys]", root).forEach((button) => { button.hidden = false; });
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    all("[data-own-zone]", root).forEach((button) => {
      button.value = zone;
      button.title = zone;
      button.hidden = !zone || all(`[name=hub_zone][value="${zone}"]`).length > 1;
    });
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy], [data-keys]");
    if (button) button.dataset.copy === undefined ? help() : copy(button);
    all("details.menu[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });

  document.addEventListener("copy", (event) => {
    const time = getSelection().anchorNode?.parentElement?.closest("time");
    if (!time || !time.textContent.includes(String(getSelection()))) return;
    event.clipboardData.setData("text/plain", time.dateTime);
    event.preventDefault();
  });

  let going = false;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") all("details.menu[open]").forEach((menu) => { menu.open = false; });
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const jump = going && document.querySelector(`[data-jump="${CSS.escape(event.key)}"]`);
    going = event.key === "g";
    if (jump) return jump.click();
    if (event.key === "?") return help();
    const search = event.key === "/" && document.querySelector("[type=search]");
    if (search) { event.preventDefault(); search.focus(); search.select(); }
  });

  const two = (number) => String(number).padStart(2, "0");
  const count = (place) => {
    const left = Math.max(0, Math.floor((new Date(place.dataset.until) - Date.now()) / 1000));
    place.textContent = `${Math.floor(left / 3600)}:${two(Math.floor(left / 60) % 60)}:${two(left % 60)}`;
  };
  if (all("[data-until]").length) setInterval(() => all("[data-until]").forEach(count), 1000);

  document.addEventListener("htmx:load", (event) => wake(event.detail.elt));
  wake(document);
})();
