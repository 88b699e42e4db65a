// The plots of a job's latest runs.  uPlot draws, with axes, what the server has drawn without; the
// run under the pointer, or chosen with the arrow keys, is told in words and linked to.  The server's
// drawing stays below, for the ear and wherever this file fails.  When the live part is replaced its
// plots are kept (hx-preserve), and filled with the new numbers.
// Texts reach the document through textContent only; styles are set one by one, as the policy asks.

import { UNITS, clock } from "./ui.js";

// Fewer runs than this do not make wider bars; and the part of the height that the lowest bar has,
// so that a failure that took no time is seen.  Both as in the server's drawing.
const COLUMNS = 20;
const LEAST = 3 / 72;

// Seconds between two lines of the grid, of which uPlot takes what fits.
const STEPS = [
  ...[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30],
  ...[1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7200, 14400].map((minutes) => minutes * 60),
];

const COLOURS = { good: "--good", bad: "--bad", busy: "--busy", rest: "--calm" };
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function length(seconds) {
  if (seconds < 1) return seconds ? `${Math.round(seconds * 1000)} ms` : "0";
  const [unit, size] = UNITS.find(([, , limit]) => seconds < limit);
  return `${+(seconds / size).toFixed(1)} ${unit}`;
}

class Plot {
  constructor(place) {
    this.name = place.dataset.plot;
    this.runs = [];
    this.chosen = 0;
    this.link = document.createElement("a");
    this.link.draggable = false;
    this.tip = document.createElement("span");
    this.tip.className = "tip";
    this.link.append(this.tip);
    this.drawn = new uPlot(this.options(place), [[], []], place);
    this.drawn.over.append(this.link);
    this.listen(place);
  }

  options(place) {
    const font = `12px ${getComputedStyle(place).fontFamily}`;
    const axis = { font, stroke: () => colour("--quiet"), ticks: { show: false } };
    const grid = { stroke: () => colour("--line"), width: 1 };
    const fills = { unit: 3, values: () => this.runs.map((run) => colour(COLOURS[run.kind])) };
    return {
      width: place.clientWidth,
      height: place.clientHeight,
      padding: [6, 4, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: false, range: () => [-0.5, Math.max(this.runs.length, COLUMNS) - 0.5] },
        y: { range: (_, __, most) => [0, most || 1] },
      },
      axes: [
        { ...axis, size: (_, texts) => (texts?.join().includes("\n") ? 38 : 22), gap: 6, space: 84, grid: { show: false }, incrs: [1, 2, 5, 10, 20], values: (_, at) => at.map((index) => this.due(index)) },
        { ...axis, size: 50, gap: 6, space: 26, grid, incrs: STEPS, values: (_, at) => at.map(length) },
      ],
      series: [{}, { width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.75, 40], disp: { fill: fills } }) }],
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: false, y: false },
        // The link lies over the plot: what is done to it is done to the plot.
        bind: { mousemove: (_, __, handle) => handle },
        move: (drawn, left, top) => [left < 0 ? left : this.middle(this.nearest(drawn.posToIdx(left))), top],
      },
      hooks: { setCursor: [({ cursor }) => cursor.idx != null && this.choose(cursor.idx)], draw: [() => this.tell()] },
    };
  }

  listen(place) {
    const { link, drawn } = this;
    let pressed = "";
    link.addEventListener("pointerdown", () => { pressed = link.href; });
    // Of a touch there was no pointer before: the first one tells, the second one leads.
    link.addEventListener("click", (event) => { if (event.detail && link.href !== pressed) event.preventDefault(); });
    link.addEventListener("focus", () => {
      // Only what somebody walks through is spoken, not every new run.
      this.tip.setAttribute("aria-live", "polite");
      this.point(this.chosen);
    });
    link.addEventListener("blur", () => this.tip.removeAttribute("aria-live"));
    link.addEventListener("keydown", (event) => {
      const to = { ArrowLeft: this.chosen - 1, ArrowRight: this.chosen + 1, Home: 0, End: Infinity }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      this.point(to);
    });
    new ResizeObserver(() => drawn.setSize({ width: place.clientWidth, height: place.clientHeight })).observe(place);
  }

  fill(runs) {
    const focused = document.activeElement === this.link ? this.runs[this.chosen].id : "";
    const values = runs.map((run) => run[this.name]?.[0] ?? null);
    const least = Math.max(...values) * LEAST;
    const columns = Array.from({ length: Math.max(runs.length, COLUMNS) }, (_, index) => index);
    this.runs = runs;
    const kept = runs.findIndex((run) => run.id === focused);
    this.chosen = kept < 0 ? runs.length - 1 : kept;
    this.drawn.setData([columns, columns.map((index) => values[index] == null ? null : Math.max(values[index], least))]);
  }

  nearest(index) { return Math.min(Math.max(index, 0), this.runs.length - 1); }
  middle(index) { return this.drawn.valToPos(index, "x"); }
  point(index) { this.drawn.setCursor({ left: this.middle(this.nearest(index)), top: 0 }); }

  due(index) {
    const run = this.runs[index];
    return run ? clock(new Date(run.at), new Date()).replace(" ", "\n") : "";
  }

  choose(index) {
    this.chosen = this.nearest(index);
    this.tell();
  }

  tell() {
    const run = this.runs[this.chosen];
    if (!run) return;
    const text = `${this.due(this.chosen).replace("\n", " ")}: ${run[this.name]?.[1] ?? "-"}, ${run.state}`;
    const left = this.middle(this.chosen);
    this.link.href = `/ui/runs/${run.id}`;
    if (this.tip.textContent !== text) this.tip.textContent = text;
    // Beside its run at both ends, so that it never stands out of the plot.
    this.tip.style.left = `${left}px`;
    this.tip.style.translate = `${-100 * left / this.drawn.over.clientWidth}%`;
  }
}

const plots = new WeakMap();

function fillAll() {
  const source = document.querySelector("[data-runs]");
  if (!source) return;
  const runs = JSON.parse(source.dataset.runs);
  for (const place of source.querySelectorAll("[data-plot]")) {
    if (!plots.has(place)) {
      if (!runs.some((run) => run[place.dataset.plot])) continue;
      plots.set(place, new Plot(place));
    }
    plots.get(place).fill(runs);
  }
}

fillAll();
document.addEventListener("htmx:afterSwap", fillAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", fillAll);
