// The live parts of pages, dialogs, and ticking all: everything else works without a script.

const regions = [...document.querySelectorAll("[data-live]")];
let stream = null;

// What is shown is replaced whole, so whoever is on a link stays on it.
function show(region, html) {
  const focused = region.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  region.innerHTML = html;
  if (focused) region.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
}

function stale(isStale) {
  document.body.classList.toggle("is-stale", isStale);
}

// One stream a tab, and none while nobody sees it. The browser opens a lost one again by itself.
function watch() {
  if (stream || document.hidden || !regions.length) return;
  stream = new EventSource("/live");
  stream.addEventListener("open", () => stale(false));
  stream.addEventListener("error", () => stale(true));
  stream.addEventListener("away", (event) => {
    stale(true);
    const region = document.querySelector('[data-live="now"]');
    if (region) show(region, event.data);
  });
  for (const region of regions) {
    stream.addEventListener(region.dataset.live, (event) => {
      stale(false);
      show(region, event.data);
    });
  }
}

function rest() {
  stream?.close();
  stream = null;
}

document.addEventListener("visibilitychange", () => (document.hidden ? rest() : watch()));
addEventListener("pagehide", rest);
addEventListener("pageshow", watch);
watch();

// A part that htmx brought may be a dialog; without it the same form would be a page of its own.
document.addEventListener("htmx:afterSwap", () => {
  const dialog = document.querySelector("dialog[data-opens]:not([open])");
  if (!dialog) return;
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
});

// What is refused is explained in the page's own words, so errors are shown too.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.getResponseHeader("Content-Type")?.startsWith("text/html")) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});

document.addEventListener("click", (event) => {
  const closing = event.target.closest("[data-closes]");
  const dialog = closing?.closest("dialog");
  if (dialog) {
    event.preventDefault();
    dialog.close();
  }
});

document.addEventListener("change", (event) => {
  const all = event.target.closest("[data-ticks-all]");
  if (all) {
    for (const box of all.form.querySelectorAll('input[name="id"]')) box.checked = all.checked;
  }
  const isOne = event.target.matches('input[name="id"], [data-ticks-all]');
  const ids = isOne && event.target.form.querySelector('input[name="scope"][value="ids"]');
  if (ids) ids.checked = true;
});
