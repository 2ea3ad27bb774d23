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

// Since when nobody answers is said in words too.
let heard = Date.now();
function lost(isLost) {
  stale(isLost);
  const notice = document.getElementById("lost");
  if (!notice) return;
  notice.hidden = !isLost;
  const since = new Date(heard).toISOString().slice(11, 19);
  if (isLost) notice.textContent = `The console has not answered since ${since} UTC. This page is as old, and tries again by itself.`;
}

// A stream that was refused is not opened again by the browser: somebody has to log in, or a proxy
// stands before a console that is away.
async function again(refused) {
  if (refused !== stream) return;
  const answer = await fetch("/api/v1/session").catch(() => null);
  if (answer?.status === 401) return location.reload();
  setTimeout(() => {
    if (refused !== stream) return;
    stream = null;
    watch();
  }, 2000);
}

// One stream a tab, and none while nobody sees it. The browser opens a lost one again by itself.
function watch() {
  if (stream || document.hidden || !regions.length) return;
  const opened = new EventSource("/live");
  stream = opened;
  stream.addEventListener("open", () => lost(false));
  stream.addEventListener("error", () => {
    lost(true);
    if (opened.readyState === EventSource.CLOSED) again(opened);
  });
  stream.addEventListener("away", (event) => {
    lost(false);
    heard = Date.now();
    stale(true);
    const region = document.querySelector('[data-live="now"]');
    if (region) show(region, event.data);
  });
  for (const region of regions) {
    stream.addEventListener(region.dataset.live, (event) => {
      lost(false);
      heard = Date.now();
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

// What is refused to somebody who acts is explained in a dialog. What a page asks by itself stays as
// it was, and is asked again.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, requestConfig } = event.detail;
  const isAct = ["click", "submit"].includes(requestConfig.triggeringEvent?.type);
  if (xhr.status < 400 || !isAct) return;
  if (!xhr.getResponseHeader("Content-Type")?.startsWith("text/html")) return;
  event.detail.shouldSwap = true;
  event.detail.isError = false;
  event.detail.target = document.getElementById("dialog-place");
  event.detail.swapOverride = "innerHTML";
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
