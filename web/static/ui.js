// Behaviour of the pages below /ui.  All that is shown is written by the server; htmx fetches it
// again.  This file turns instants into the viewer's own clock, and back where they are typed, keeps
// the live part from being replaced under somebody's hands, and follows the output of a run.
// Texts reach the document through textContent only.

export const UNITS = [["s", 1, 100], ["min", 60, 6000], ["h", 3600, 172800], ["d", 86400, Infinity]];
const two = (number) => String(number).padStart(2, "0");

// --- instants -------------------------------------------------------------------------------

const FORMS = { clock, ago, hour: (instant) => `${two(instant.getHours())}:${two(instant.getMinutes())}` };

export function clock(instant, now) {
  const time = `${two(instant.getHours())}:${two(instant.getMinutes())}`;
  const seconds = instant.getSeconds() ? `:${two(instant.getSeconds())}` : "";
  if (instant.toDateString() === now.toDateString()) return time + seconds;
  return `${instant.getFullYear()}-${two(instant.getMonth() + 1)}-${two(instant.getDate())} ${time}${seconds}`;
}

function ago(instant, now) {
  const seconds = (instant - now) / 1000;
  if (Math.abs(seconds) < 1) return "now";
  const [unit, size] = UNITS.find(([, , limit]) => Math.abs(seconds) < limit);
  const text = `${Math.floor(Math.abs(seconds) / size).toLocaleString("en")} ${unit}`;
  return seconds > 0 ? `in ${text}` : `${text} ago`;
}

function localise(time, now) {
  const instant = new Date(time.dateTime);
  const text = FORMS[time.dataset.as](instant, now);
  if (time.textContent !== text) time.textContent = text;
  if (!time.dataset.done) {
    time.title = `${instant.toLocaleString()} (${time.title})`;
    time.dataset.done = "1";
  }
}

function localiseAll() {
  const now = new Date();
  for (const time of document.querySelectorAll("time[data-as]")) localise(time, now);
}

localiseAll();
setInterval(localiseAll, 1000);
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
document.getElementById("zone").textContent = `Times are in ${zone}; point at one for UTC`;

// --- instants that are typed --------------------------------------------------------------------

// The server writes and reads these fields in UTC, and without this file so do people.  With it they
// are on the same clock as everything that is shown beside them.
const TYPED = 'input[type="datetime-local"]';

function localiseFields() {
  for (const field of document.querySelectorAll(`${TYPED}:not([data-done])`)) {
    field.dataset.done = "1";
    for (const label of field.labels) label.textContent = label.textContent.replace("(UTC)", `(${zone})`);
    // Not the value: that survives going back to the page, and is local by then.
    const written = new Date(`${field.getAttribute("value")}Z`);
    if (!Number.isNaN(written.valueOf())) field.value = fieldText(written);
  }
}

function fieldText(instant) {
  const day = `${String(instant.getFullYear()).padStart(4, "0")}-${two(instant.getMonth() + 1)}-${two(instant.getDate())}`;
  return `${day}T${[instant.getHours(), instant.getMinutes(), instant.getSeconds()].map(two).join(":")}`;
}

// Of what is sent, also by htmx.
document.addEventListener("formdata", ({ target, formData }) => {
  for (const { name, value } of target.querySelectorAll(TYPED)) {
    if (value) formData.set(name, new Date(value).toISOString().replace(/\.\d+Z$/, "Z"));
  }
});

localiseFields();

// --- menus ------------------------------------------------------------------------------------

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.drop[open]")) {
    if (menu !== except) menu.open = false;
  }
}

document.addEventListener("click", (event) => closeMenus(event.target.closest("details.drop")));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.activeElement.closest("details.drop[open]");
  closeMenus(null);
  if (menu) menu.querySelector("summary").focus();
});

// --- the live part ----------------------------------------------------------------------------

const offline = document.getElementById("offline");

// Somebody is about to do something in it, or does not look.
function isHeld(part) {
  return document.hidden || part.querySelector(":checked");
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.id === "live" && isHeld(event.target)) event.preventDefault();
});
// Where the store is away the part says so itself, and is answered with 503.
function isPart(xhr) {
  return xhr.responseText.trimStart().startsWith('<div id="live"');
}

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.xhr.status === 503 && isPart(detail.xhr)) detail.shouldSwap = true;
});
document.addEventListener("htmx:afterRequest", ({ detail: { xhr, elt } }) => {
  // The session has ended; whoever logs in again comes back here.  A form says so instead.
  if (xhr.status === 401 && elt.id !== "reading") location.reload();
  offline.hidden = (xhr.status > 0 && xhr.status < 500) || isPart(xhr);
});
document.addEventListener("htmx:afterSwap", () => {
  localiseAll();
  bulk();
});

// --- bulk changes -----------------------------------------------------------------------------

function bulk() {
  const bar = document.getElementById("bulk");
  if (!bar) return;
  const chosen = document.querySelectorAll('input[name="job"]:checked').length;
  bar.hidden = chosen === 0;
  document.getElementById("chosen").textContent = chosen === 1 ? "1 job" : `${chosen} jobs`;
}

document.addEventListener("change", (event) => {
  if (event.target.id === "all") {
    for (const box of document.querySelectorAll('input[name="job"]')) box.checked = event.target.checked;
  }
  bulk();
});
bulk();

// --- the output of a run ----------------------------------------------------------------------

const output = document.querySelector("[data-follow]");

function follow(element) {
  const source = new EventSource(element.dataset.follow);
  const say = (text) => {
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 40;
    if (element.dataset.empty) element.textContent = "";
    delete element.dataset.empty;
    element.append(text);
    if (atEnd) element.scrollTop = element.scrollHeight;
  };
  source.addEventListener("output", (event) => say(JSON.parse(event.data).text));
  // What says something has started, which the page may not show for seconds yet.
  source.addEventListener("output", () => htmx.trigger("#live", "renew"), { once: true });
  source.addEventListener("gap", () => say("\n… a part was not kept …\n"));
  source.addEventListener("end", () => {
    source.close();
    renew();
  });
}

// As a reload, but for what was said of the way here: that is told once only.
async function renew() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return location.reload();
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const former = document.getElementById("main");
  const fresh = document.adoptNode(page.getElementById("main"));
  const said = former.querySelector(":scope > .notice:not(#offline)");
  former.replaceWith(fresh);
  if (said) fresh.prepend(said);
  fresh.querySelector("#offline").replaceWith(offline);
  htmx.process(fresh);
  localiseAll();
  localiseFields();
}

if (output) follow(output);
