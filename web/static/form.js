// The form in which a job is written.  The server tells what it means; this file puts what is
// wrong beside the fields while somebody writes, and suggests time zones.

const sheet = document.querySelector(".sheet");
const reading = document.getElementById("reading");
const opened = new Set();

// The API quotes what to write in backticks, which the server has set as code.
function copyOf(node) {
  return [...node.childNodes].map((child) => child.cloneNode(true));
}

function mark(name, lines) {
  const place = document.getElementById(`${name}-fault`);
  const field = document.getElementById(name);
  if (!place || !field) return;
  place.replaceChildren(...lines.flatMap((line, index) => (index ? ["; ", ...copyOf(line)] : copyOf(line))));
  place.hidden = lines.length === 0;
  if (lines.length) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
}

function markAll() {
  const wrong = new Map();
  for (const item of reading.querySelectorAll("[data-fault]")) {
    wrong.set(item.dataset.fault, [...(wrong.get(item.dataset.fault) ?? []), item.querySelector("span")]);
  }
  for (const place of sheet.querySelectorAll(".fault")) {
    const name = place.id.replace(/-fault$/, "");
    mark(name, wrong.get(name) ?? []);
  }
}

// What was unfolded stays so when its text is told anew.
document.addEventListener("htmx:beforeSwap", () => {
  for (const one of reading.querySelectorAll("details")) {
    if (one.open) opened.add(one.id);
    else opened.delete(one.id);
  }
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  markAll();
});

// The session has ended: nothing that was written may be lost by that.
document.addEventListener("htmx:afterRequest", ({ detail: { xhr, elt } }) => {
  if (elt !== reading || xhr.status !== 401) return;
  const link = document.createElement("a");
  Object.assign(link, { href: "/", target: "_blank", textContent: "Log in in another window" });
  const text = document.createElement("p");
  text.className = "body";
  text.append("You are not logged in any more. ", link, ", then go on here.");
  reading.replaceChildren(text);
});

// A link to a field that is folded away unfolds it.
reading.addEventListener("click", ({ target }) => {
  const name = target.closest("a[href^='#']")?.getAttribute("href").slice(1);
  const field = name && document.getElementById(decodeURIComponent(name));
  if (!field) return;
  for (let fold = field.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  setTimeout(() => field.focus());
});

// No cron expression begins like an interval, so that need not be chosen by hand.
const cron = document.getElementById("schedule.cron.expression");
cron?.addEventListener("input", () => {
  if (!/^\s*R\d*\//.test(cron.value)) return;
  const interval = document.getElementById("schedule.interval.expression");
  interval.value = cron.value;
  cron.value = "";
  document.getElementById("schedule.kind.interval").checked = true;
  interval.focus();
});

document.getElementById("zones").replaceChildren(...["UTC", ...(Intl.supportedValuesOf?.("timeZone") ?? [])].map((name) => {
  const option = document.createElement("option");
  option.value = name;
  return option;
}));

document.querySelector(".sheet [aria-invalid]")?.focus();
