/* What the parts of a page need, on pages of customers and of staff. */
(() => {
  const all = (selector, root) => root.querySelectorAll(selector);

  /* On a phone rows stack, and each cell names its column. */
  const label = (table) => {
    const names = [...all("thead th", table)].map((head) => head.textContent.trim());
    all("tbody tr, tfoot tr", table).forEach((row) => [...row.cells].forEach((cell, place) => {
      if (cell.tagName === "TD" && cell.colSpan === 1) cell.dataset.label ??= names[place] || "";
    }));
  };

  const wake = (root) => {
    if (navigator.clipboard) all("[data-copy]", root).forEach((button) => { button.hidden = false; });
    all(".scroll table", root).forEach(label);
  };

  document.addEventListener("htmx:load", (event) => wake(event.detail.elt));
  for (const name of ["DOMContentLoaded", "hub:shown"]) document.addEventListener(name, () => wake(document));
})();
