// A chart card: reads what it shall draw from its attributes, draws it with uPlot, keeps it true while the run goes on.
import { Group } from "./chart_group.js";
import { align, durationText, interpolator, numberText, positiveOnly, smooth } from "./chart_math.js";
import { plotOptions, savePicture } from "./chart_plot.js";
import { Source } from "./chart_source.js";
import { ChartTable } from "./chart_table.js";
import { connectControls, showRange } from "./chart_controls.js";
import { all, onReady, say, words } from "./dom.js";
import { onThemeChange } from "./theme.js";

const X_SERIES = { tokens: "tokens_seen", time: "elapsed_seconds" };
const SAY_AFTER_MS = 400;

class Chart {
  constructor(card) {
    this.card = card;
    this.place = card.querySelector("[data-plot]");
    this.title = card.querySelector("h2, h3").textContent;
    this.digits = Number(card.dataset.digits);
    this.isFromZero = "fromZero" in card.dataset;
    this.isLog = false;
    this.specs = JSON.parse(card.dataset.series);
    this.lines = this.specs.flatMap((spec) => linesOf(spec));
    this.group = Group.of(card.dataset.group);
    this.source = Source.of(card.dataset.url);
    this.detail = null;
    this.table = new ChartTable(card.querySelector(".chart__table"), () => this.readTable());
    this.tip = document.createElement("div");
    this.tip.className = "tip";
    this.tip.hidden = true;
    this.group.charts.add(this);
    this.specs.forEach((spec) => this.source.names.add(spec.name));
    for (const button of all(card, "[data-axis]")) {
      if (X_SERIES[button.dataset.axis]) this.source.names.add(X_SERIES[button.dataset.axis]);
    }
    this.source.addEventListener("change", () => this.update());
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(this.place);
    onThemeChange(() => this.plot?.redraw(false));
    connectControls(this);
  }

  size() {
    const style = getComputedStyle(this.place);
    const width = this.place.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    return { width: Math.max(120, width), height: this.card.classList.contains("chart--large") ? 300 : 132 };
  }

  points(name) {
    return this.detail?.get(name) ?? this.source.get(name);
  }

  /** The columns as uPlot wants them, on the chosen horizontal axis. */
  columns() {
    const { steps, columns } = align(this.specs.map((spec) => this.points(spec.name)));
    this.steps = steps;
    this.raw = columns;
    const shown = this.lines.map((line) => {
      const column = columns[this.specs.findIndex((spec) => spec.name === line.name)];
      const drawn = line.isSmooth ? smooth(steps, column, this.group.weight) : column;
      return this.isLog ? positiveOnly(drawn) : drawn;
    });
    return [steps.map((step) => this.xOf(step)), ...shown];
  }

  xOf(step) {
    const { axis } = this.group;
    if (axis === "epoch") return step / (Number(this.card.dataset.stepsPerEpoch) || 1);
    const series = X_SERIES[axis] && this.source.get(X_SERIES[axis]);
    return series?.step.length > 1 ? interpolator(series)(step) : step;
  }

  whole() {
    const end = Math.max(this.source.totalSteps, Number(this.card.dataset.totalSteps), this.source.lastStep, 1);
    return [Math.min(0, this.xOf(0)), this.xOf(end)];
  }

  last() {
    return this.xOf(this.source.lastStep);
  }

  gaps() {
    return this.steps.filter((step, index) => this.raw.some((column) => column[index] === null)).map((step) => this.xOf(step));
  }

  update() {
    if (!this.source.lastStep && !this.plot) return this.showNothing();
    if (!this.plot) return this.rebuild();
    this.plot.setData(this.columns(), false);
    this.applyRange({ keepDetail: true });
    this.showValue();
    if (!this.table.place.hidden) this.table.show();
  }

  rebuild() {
    if (!this.source.lastStep) return;
    this.plot?.destroy();
    this.place.replaceChildren(this.tip);
    this.plot = new uPlot(plotOptions(this, this.size()), this.columns(), this.place);
    this.applyRange();
    this.showValue();
  }

  async applyRange({ keepDetail = false } = {}) {
    const [min, max] = this.group.range ?? this.whole();
    this.plot?.setScale("x", { min, max });
    showRange(this);
    if (keepDetail) return;
    const wants = this.group.range && this.source.isThinned && this.group.axis === "step";
    const range = this.group.range;
    const detail = wants ? await this.source.detail(min, max).catch(() => null) : null;
    if (range !== this.group.range || (!detail && !this.detail)) return;
    this.detail = detail;
    this.plot?.setData(this.columns(), false);
    this.plot?.setScale("x", { min, max });
  }

  showNothing() {
    const text = words("The numbers could not be fetched. They are kept; reload the page to see them.");
    if (this.source.hasFailed) this.place.querySelector("[data-none]").textContent = text;
  }

  showValue() {
    const place = this.card.querySelector("[data-value]");
    const newest = this.source.get(this.specs[0].name).value.findLast((value) => value !== null);
    if (place) place.textContent = `${numberText(newest, this.digits)} ${this.card.dataset.unit}`.trim();
  }

  xText(index) {
    const x = this.plot.data[0][index];
    const step = `${words("Step")} ${numberText(this.steps[index], 0)}`;
    const more = { epoch: () => numberText(x, 2), tokens: () => numberText(x, 0), time: () => durationText(x) };
    return more[this.group.axis] ? `${step} · ${more[this.group.axis]()}` : step;
  }

  /** Name and value of each shown line at a point. */
  valuesAt(index) {
    return this.lines
      .map((line, at) => [line.label, this.plot.data[at + 1][index], this.plot.series[at + 1].show])
      .filter(([, value, isShown]) => isShown && value !== undefined)
      .map(([label, value]) => [label, numberText(value, this.digits)]);
  }

  showTip() {
    const { idx, left, top } = this.plot.cursor;
    const isHere = this.place.matches(":hover, :focus");
    this.tip.hidden = !isHere || idx === null || idx === undefined || left < 0;
    if (this.tip.hidden) return;
    const list = document.createElement("dl");
    for (const [label, value] of this.valuesAt(idx)) list.append(cell("dt", label), cell("dd", value));
    this.tip.replaceChildren(cell("b", this.xText(idx)), list);
    const plotLeft = this.plot.over.offsetLeft + this.place.querySelector(".uplot").offsetLeft;
    const isRight = left > this.plot.over.clientWidth / 2;
    this.tip.style.left = `${plotLeft + left + (isRight ? -12 - this.tip.offsetWidth : 12)}px`;
    this.tip.style.top = `${Math.max(8, Math.min(top, this.plot.over.clientHeight - this.tip.offsetHeight))}px`;
  }

  /** Move the cursor to a point by key; what it stands on is said when the key rests. */
  moveTo(index) {
    const at = Math.max(0, Math.min(index, this.steps.length - 1));
    this.plot.setCursor({ left: this.plot.valToPos(this.plot.data[0][at], "x"), top: 24 });
    clearTimeout(this.timer);
    const text = () => [this.xText(at), ...this.valuesAt(at).map((pair) => pair.join(" "))].join(", ");
    this.timer = setTimeout(() => say(text()), SAY_AFTER_MS);
  }

  readTable() {
    const { steps, columns } = align(this.specs.map((spec) => this.source.get(spec.name)));
    return { steps, columns, labels: this.specs.map((spec) => spec.label), digits: this.digits };
  }

  savePicture() {
    savePicture(this.plot, this.title);
  }
}

function linesOf(spec) {
  if (spec.kind !== "smoothed") return [{ ...spec, key: spec.name, isShown: true }];
  const raw = { ...spec, key: `${spec.name}:raw`, label: `${spec.label}, ${words("raw")}`, isRaw: true, isShown: true };
  return [raw, { ...spec, key: spec.name, label: `${spec.label}, ${words("smoothed")}`, isSmooth: true, isShown: true }];
}

function cell(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

onReady((root) => {
  const made = all(root, "[data-chart]:not([data-drawn])").map((card) => {
    card.dataset.drawn = "";
    return new Chart(card);
  });
  for (const source of new Set(made.map((chart) => chart.source))) source.refresh();
});
