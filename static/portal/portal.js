/* Small comforts. Every page works without this file. */
(() => {
  const all = (selector, root = document) => root.querySelectorAll(selector);
  const of = (id) => document.getElementById(id);
  const speak = (text) => {
    of("spoken").textContent = "";
    setTimeout(() => { of("spoken").textContent = text; }, 50);
  };

  const copy = async (button) => {
    await navigator.clipboard.writeText(button.dataset.copy);
    speak(button.dataset.copied);
    button.classList.add("done");
    setTimeout(() => button.classList.remove("done"), 1500);
  };

  const keys = of("keys");
  const help = () => keys.open || keys.showModal();

  const wake = (root) => {
    all("[data-keys]", root).forEach((button) => { button.hidden = false; });
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    all("[data-own-zone]", root).forEach((button) => {
      button.value = zone;
      button.title = zone;
      button.hidden = !zone || all(`[name=hub_zone][value="${zone}"]`).length > 1;
    });
  };

  /* A page beside the one that is open: the same address, and a real link for whoever wants another tab. */
  const drawer = of("drawer"), detail = of("drawer-detail");
  const open = (url) => {
    of("drawer-page").href = url;
    detail.replaceChildren(of("loading").content.cloneNode(true));
    if (!drawer.open) drawer.showModal();
    htmx.ajax("GET", url, { target: detail, select: "#detail", swap: "innerHTML" });
  };
  drawer.addEventListener("close", () => detail.replaceChildren()); // and what asks again and again in it ends

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy], [data-keys]");
    if (button) button.dataset.copy === undefined ? help() : copy(button);
    const link = event.target.closest("a[data-drawer]");
    if (link && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)) { event.preventDefault(); open(link.href); }
    all("details.menu[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });

  document.addEventListener("copy", (event) => {
    const time = getSelection().anchorNode?.parentElement?.closest("time");
    if (!time || !time.textContent.includes(String(getSelection()))) return;
    event.clipboardData.setData("text/plain", time.dateTime);
    event.preventDefault();
  });

  const find = (box) => { box.focus(); box.select(); };

  let going = false;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") all("details.menu[open]").forEach((menu) => { menu.open = false; });
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && of("find")) {
      event.preventDefault();
      return find(of("find"));
    }
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const jump = going && document.querySelector(`[data-jump="${CSS.escape(event.key)}"]`);
    going = event.key === "g";
    if (jump) return jump.click();
    if (event.key === "?") return help();
    if (event.key !== "/") return;
    event.preventDefault();
    find(document.querySelector("main [type=search]") || of("find"));
  });

  /* What takes longer shows that it goes on. */
  document.addEventListener("submit", (event) => {
    if (event.target.method === "dialog") return;
    setTimeout(() => { of("busy").hidden = event.defaultPrevented; }, 700);
  });
  addEventListener("pageshow", () => { of("busy").hidden = true; });

  /* A part that could not be loaded says so, and what to name when asking for help. */
  const failed = ({ detail: { xhr } }) => {
    const place = drawer.open ? detail : of("trouble");
    if (!place.querySelector("[data-request]")) place.replaceChildren(of("failed").content.cloneNode(true));
    const again = place.querySelector("a");
    again.href = drawer.open ? of("drawer-page").href : location.href;
    again.toggleAttribute("data-drawer", drawer.open);
    place.querySelector("[data-request]").textContent = xhr.getResponseHeader("X-Request-Id") || "–";
  };
  for (const name of ["htmx:responseError", "htmx:sendError"]) document.addEventListener(name, failed);

  /* No page is stored by the browser, so what is fetched again and again says itself what is shown already. */
  const shown = new Map();
  document.addEventListener("htmx:configRequest", ({ detail: { path, headers } }) => {
    if (shown.has(path)) headers["If-None-Match"] = shown.get(path);
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, pathInfo, isError } = event.detail, etag = xhr.getResponseHeader("ETag");
    if (!isError) of("trouble").replaceChildren();
    if (etag) shown.set(pathInfo.requestPath, etag);
    if (xhr.status === 304) event.detail.shouldSwap = false;
    if (!xhr.responseURL || new URL(xhr.responseURL).pathname === new URL(pathInfo.requestPath, location).pathname) return;
    event.detail.shouldSwap = false; // another page answered: the visit is over, or one has to sign in
    location.reload();
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
