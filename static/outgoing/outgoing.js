// The part of a page that moves is asked for again until it has come to its end; 304 costs nearly nothing.
document.addEventListener("DOMContentLoaded", () => {
  const EVERY = 1500, SLOWEST = 15000; // milliseconds
  const place = document.querySelector("[data-live]");
  if (!place) return;
  let etag = "", wait = EVERY;

  const ended = () => place.querySelector("[data-ended]")?.dataset.ended === "yes";
  const next = () => {
    if (!ended()) return setTimeout(look, wait);
    document.querySelector(".out-pulse")?.remove();
  };

  function show(html) {
    const open = [...place.querySelectorAll("details[id]")].map((it) => [it.id, it.open]);
    const focused = document.activeElement?.closest("details[id]")?.id;
    place.innerHTML = html;
    document.dispatchEvent(new Event("hub:shown"));
    for (const [id, was] of open) {
      const again = document.getElementById(id);
      if (again) again.open = was;
    }
    if (focused) document.getElementById(focused)?.querySelector("summary")?.focus();
  }

  async function look() {
    if (document.hidden) return setTimeout(look, EVERY);
    try {
      const answer = await fetch(place.dataset.live, { headers: etag ? { "If-None-Match": etag } : {}, cache: "no-store" });
      if (answer.status === 200) {
        etag = answer.headers.get("ETag") || "";
        show(await answer.text());
        const state = place.querySelector("[data-state]")?.dataset.state;
        if (state && state !== place.dataset.state) return location.reload(); // other buttons, other words
        wait = EVERY;
      } else if (answer.status === 304) {
        wait = Math.min(wait * 1.2, SLOWEST);
      } else {
        return;
      }
    } catch {
      wait = SLOWEST;
    }
    next();
  }

  next();
});
