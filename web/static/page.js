// The page's behaviour: refresh, buttons, and the form with its preview.
//
// Everything shown is written by the server; this file fetches the same page again
// and takes over the parts marked data-live.  It never builds a table of its own.
// Texts reach the document through textContent only.

const REFRESH_MS = 5000;
const PREVIEW_DELAY_MS = 250;
const PREVIEW_COUNT = 5;

const byId = (id) => document.getElementById(id);

// --- talking to the API ---------------------------------------------------------------

async function send(method, url, document_) {
  const response = await fetch(url, {
    method,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(document_),
  });
  if (response.status === 401) logIn();
  const text = await response.text();
  let answer = {};
  try {
    answer = JSON.parse(text);
  } catch {
    answer = { detail: text || response.statusText, errors: [] };
  }
  return { status: response.status, ok: response.ok, answer };
}

// The session has ended; whoever logs in again comes back here.
function logIn() {
  location.assign(location.pathname + location.search);
}

let toastTimer;

function say(text, bad = false) {
  const toast = byId("toast");
  toast.textContent = text;
  toast.classList.toggle("bad", bad);
  toast.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { toast.hidden = true; }, bad ? 12000 : 6000);
}

// --- refresh ----------------------------------------------------------------------------

// Each refresh takes the whole page from the server, so there is one renderer only.
let refreshing = false;

async function refresh() {
  if (refreshing) return;
  refreshing = true;
  try {
    const response = await fetch(location.pathname + location.search);
    if (response.status === 401) logIn();
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    const parts = fresh.querySelectorAll("[data-live]");
    byId("offline").hidden = parts.length > 0;
    for (const part of parts) take(part);
    unlock();
  } catch {
    byId("offline").hidden = false;
  } finally {
    refreshing = false;
  }
}

function take(part) {
  const here = document.querySelector(`[data-live="${part.dataset.live}"]`);
  const focused = here?.contains(document.activeElement) ? document.activeElement.id : "";
  const busy = here?.querySelector("[aria-busy]");
  if (!here || busy) return;
  here.replaceChildren(...part.childNodes);
  if (focused) byId(focused)?.focus();
}

// Buttons are hidden until there is a script to serve them.
function unlock() {
  for (const button of document.querySelectorAll("button[data-post]")) button.hidden = false;
}

setInterval(() => { if (!document.hidden) refresh(); }, REFRESH_MS);
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });

// --- buttons and output -------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-post]");
  if (button) act(button);
  const output = event.target.closest("a[data-output]");
  if (output && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    showOutput(output);
  }
});

async function act(button) {
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  try {
    const { status, ok, answer } = await send("POST", button.dataset.post, {});
    if (status === 202) say("Accepted, but not answered yet; it shows here once it is done.");
    else if (ok && answer.last_error) say(`It did not arrive: ${answer.last_error}`, true);
    else if (ok) say(button.dataset.done);
    else say(answer.detail ?? "That did not work.", true);
  } catch {
    say("This instance does not answer; nothing is known to have changed.", true);
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
  refresh();
}

async function showOutput(link) {
  byId("output-title").textContent = `Output of ${link.dataset.output}`;
  const text = byId("output-text");
  text.textContent = "Loading …";
  byId("output").showModal();
  try {
    const output = await (await fetch(link.href)).json();
    text.textContent = outputText(output);
  } catch {
    text.textContent = "This instance does not answer.";
  }
}

function outputText(output) {
  if (output.detail) return output.detail;
  if (!output.size) return "It said nothing.";
  if (output.complete) return output.head;
  return `${output.head}\n\n… the middle of ${output.size.toLocaleString("en")} bytes was not kept …\n\n${output.tail}`;
}

// --- the form -------------------------------------------------------------------------------

const form = byId("job-form");
const schedule = byId("job-schedule");
const dialect = byId("job-dialect");
const zone = byId("job-timezone");

function kind() {
  return form.elements.kind.value;
}

function showKind() {
  for (const part of form.querySelectorAll("[data-kind]")) part.hidden = part.dataset.kind !== kind();
}

function scheduleDocument() {
  const expression = schedule.value.trim();
  if (!expression) return null;
  const timezone = zone.value.trim();
  if (dialect.value === "once") return { kind: "once", at: expression };
  if (dialect.value === "interval") {
    // Without a zone days and months keep to the clock that START's own offset names.
    return { kind: "interval", expression, timezone: timezone && timezone !== "UTC" ? timezone : null };
  }
  return { kind: "cron", expression, dialect: dialect.value, timezone: timezone || "UTC" };
}

// No cron expression begins like an interval, so that need not be chosen by hand.
function followText() {
  const isInterval = /^\s*R\d*\//.test(schedule.value);
  if (isInterval && dialect.value !== "interval") chooseDialect("interval");
}

function chooseDialect(name) {
  dialect.value = name;
  const { example, hint } = dialect.selectedOptions[0].dataset;
  schedule.placeholder = example;
  byId("job-schedule-hint").textContent = hint;
  byId("job-timezone-part").hidden = name === "once";
}

function jobDocument() {
  const target = kind() === "http"
    ? { kind: "http", method: byId("job-method").value, url: byId("job-url").value.trim() }
    : { kind: "command", command: byId("job-command").value };
  return { name: byId("job-name").value.trim(), target, schedule: scheduleDocument() };
}

// The input that shows a field's faults: the one whose own field is the longest match.
function inputOf(field) {
  const inputs = [...form.querySelectorAll("[data-field]")].filter((input) => !input.closest("[hidden]"));
  const fits = inputs.filter(({ dataset }) => field === dataset.field || field.startsWith(`${dataset.field}.`));
  return fits.sort((a, b) => b.dataset.field.length - a.dataset.field.length)[0];
}

// The API quotes what to write in backticks; here it is set as code.
function quoted(text) {
  return text.split("`").map((part, index) => {
    if (index % 2 === 0) return part;
    const code = document.createElement("code");
    code.textContent = part;
    return code;
  });
}

function setFault(input, message) {
  const line = byId(`${input.id}-fault`);
  line.replaceChildren(...quoted(message));
  line.hidden = !message;
  if (message) {
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-errormessage", line.id);
  } else {
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-errormessage");
  }
}

function clearFaults(inputs = form.querySelectorAll("[data-field]")) {
  for (const input of inputs) setFault(input, "");
  byId("form-fault").hidden = true;
}

function showFaults(errors, detail) {
  const elsewhere = [];
  const messages = new Map();
  for (const { field, message } of errors) {
    const input = inputOf(field);
    if (!input) elsewhere.push(field ? `${field}: ${message}` : message);
    else messages.set(input, [...(messages.get(input) ?? []), message]);
  }
  for (const [input, lines] of messages) setFault(input, lines.join("; "));
  const general = byId("form-fault");
  general.textContent = elsewhere.join("; ") || (messages.size ? "" : detail);
  general.hidden = !general.textContent;
  form.querySelector("[aria-invalid]")?.focus();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = byId("job-submit");
  clearFaults();
  button.disabled = true;
  button.textContent = "Adding …";
  try {
    const { status, ok, answer } = await send("POST", "/v1/jobs", jobDocument());
    if (status === 202) say("Accepted, but not answered yet; the job shows here once it is done.");
    else if (ok) added(answer);
    else showFaults(answer.errors ?? [], answer.detail ?? "That did not work.");
  } catch {
    showFaults([], "This instance does not answer; try again in a moment.");
  } finally {
    button.disabled = false;
    button.textContent = "Add job";
  }
  refresh();
});

function added(job) {
  const next = job.next_fire_at ? ` It fires next at ${spaced(job.next_fire_at)}.` : "";
  say(`${job.name} was added.${next}`);
  const chosen = kind();
  const where = zone.value;
  const written = dialect.value;
  form.reset();
  form.elements.kind.value = chosen;
  zone.value = where;
  chooseDialect(written);
  byId("preview").hidden = true;
  byId("job-name").focus();
}

// --- the preview ------------------------------------------------------------------------------

let previewTimer;
let previewNumber = 0;

function schedulePreview() {
  clearTimeout(previewTimer);
  previewTimer = setTimeout(preview, PREVIEW_DELAY_MS);
}

async function preview() {
  const asked = scheduleDocument();
  const number = ++previewNumber;
  if (!asked) {
    clearFaults([schedule, dialect, zone]);
    byId("preview").hidden = true;
    return;
  }
  try {
    const { ok, answer } = await send("POST", "/v1/schedules/preview", { schedule: asked, count: PREVIEW_COUNT });
    // A slow answer to an earlier text must not replace that to a later one.
    if (number !== previewNumber) return;
    clearFaults([schedule, dialect, zone]);
    if (ok) showPreview(answer);
    else showScheduleFaults(answer.errors ?? []);
  } catch {
    byId("preview").hidden = true;
  }
}

function showScheduleFaults(errors) {
  byId("preview").hidden = true;
  for (const { field, message } of errors) {
    setFault(field === "schedule.timezone" ? zone : schedule, message);
  }
}

function item(text) {
  const line = document.createElement("li");
  line.append(...quoted(text));
  return line;
}

function showPreview(answer) {
  byId("preview-words").textContent = answer.description;
  byId("preview-times").replaceChildren(...answer.fire_times.map((time) => {
    const line = item(spaced(time.local));
    line.title = spaced(time.utc);
    return line;
  }));
  byId("preview-warnings").replaceChildren(...answer.warnings.map((warning) => item(warning.message)));
  byId("preview").hidden = false;
}

// 2026-12-01T02:30:00+01:00 -> 2026-12-01 02:30:00 +01:00
function spaced(instant) {
  return instant.replace("T", " ").replace(/(Z|[+-][\d:]+)$/, (offset) => (offset === "Z" || offset === "+00:00" ? " UTC" : ` ${offset}`));
}

schedule.addEventListener("input", followText);
dialect.addEventListener("input", () => chooseDialect(dialect.value));
for (const input of [schedule, dialect, zone]) input.addEventListener("input", schedulePreview);
for (const input of form.elements.kind) input.addEventListener("change", showKind);
form.addEventListener("input", ({ target }) => {
  if (target.dataset.field && ![schedule, dialect, zone].includes(target)) setFault(target, "");
});

// --- start ------------------------------------------------------------------------------------

byId("zones").replaceChildren(...["UTC", ...(Intl.supportedValuesOf?.("timeZone") ?? [])].map((name) => {
  const option = document.createElement("option");
  option.value = name;
  return option;
}));
showKind();
chooseDialect(dialect.value);
unlock();
byId("job-submit").disabled = false;
