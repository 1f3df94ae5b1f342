// Alpine without eval knows no globals: what the pages of the admin use of them is named here.
document.addEventListener("alpine:init", () => {
  const remembered = "sidebarDesktopOpen";

  Alpine.data("theme", window.theme);
  Alpine.data("searchForm", window.searchForm);
  Alpine.data("searchDropdown", window.searchDropdown);
  Alpine.data("searchCommand", () => ({
    ...window.searchCommand(),
    pick(event) {
      if (this.currentIndex && !event.metaKey && !event.ctrlKey) this.selectItem(false, false);
    },
  }));

  Alpine.data("page", () => ({
    activeTab: "general",
    sidebarMobileOpen: false,
    sidebarDesktopOpen: localStorage.getItem(remembered) !== "0",
    window: { location: { pathname: location.pathname, search: location.search } },
    localStorage: { setItem: (name, value) => localStorage.setItem(name, value) },
    sortRecords: (event) => window.sortRecords(event),
    moveRecords: (event) => moveRecords(event),
    init() {
      this.activeTab = window.getCurrentTab() || this.$el.dataset.tab || "";
    },
  }));
});

// A copy button says what it did, to the eye and to a screen reader.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  const words = button.querySelector(".spoken") ?? button, label = words.textContent;
  words.textContent = button.dataset.copied;
  button.setAttribute("aria-live", "polite");
  button.classList.add("done");
  setTimeout(() => { words.textContent = label; button.classList.remove("done"); }, 2000);
});

// select2 names its box after an empty span; the label of the field is the better name.
const nameBoxes = () => {
  document.querySelectorAll("select.select2-hidden-accessible").forEach((select, number) => {
    const label = select.labels[0];
    if (!label) return;
    label.id ||= `label-${number}-${select.name}`;
    select.nextElementSibling
      ?.querySelectorAll("[role=combobox], [role=textbox]")
      .forEach((part) => part.setAttribute("aria-labelledby", label.id));
  });
};
window.addEventListener("load", () => setTimeout(nameBoxes)); // after select2 has made its boxes, on load too
