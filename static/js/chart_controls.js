// The buttons, keys and fields of a chart card.
import { all } from "./dom.js";

export function connectControls(chart) {
  const { card } = chart;
  const on = (selector, event, act) => all(card, selector).forEach((one) => one.addEventListener(event, () => act(one)));
  on("[data-axis]", "click", (button) => {
    chart.group.setAxis(button.dataset.axis);
    press(card, "[data-axis]", button);
  });
  on("[data-range]", "click", (button) => {
    chart.group.zoom(rangeOf(chart, button.dataset.range));
    press(card, "[data-range]", button);
  });
  on("[data-zoom]", "click", (button) => chart.group.zoomBy(button.dataset.zoom === "in" ? 0.5 : 2, chart.whole()));
  on("[data-log]", "change", (box) => {
    chart.isLog = box.checked;
    chart.rebuild();
  });
  on("[data-smooth]", "input", (field) => {
    for (const other of all(card, "[data-smooth]")) if (other !== field) other.value = field.value;
    chart.group.setWeight(Number(field.value) || 0);
  });
  on("[data-picture]", "click", () => chart.savePicture());
  on("[data-line]", "click", (button) => toggleLine(chart, button));
  on("[data-table]", "click", (button) => toggleTable(chart, button));
  card.querySelector("[data-plot]").addEventListener("keydown", (event) => onKey(chart, event));
}

function press(card, selector, pressed) {
  for (const button of all(card, selector)) button.setAttribute("aria-pressed", String(button === pressed));
}

/** "All" is pressed exactly while all is shown, whoever zoomed: a button, a key, a drag or another chart. */
export function showRange(chart) {
  const everything = chart.card.querySelector("[data-range=all]");
  const isAll = chart.group.range === null;
  if (everything && isAll !== (everything.getAttribute("aria-pressed") === "true")) {
    press(chart.card, "[data-range]", isAll ? everything : null);
  }
}

function rangeOf(chart, name) {
  if (name === "all") return null;
  const steps = name === "epoch" ? Number(chart.card.dataset.stepsPerEpoch) : Number(name);
  const last = chart.source.lastStep;
  return last > steps ? [chart.xOf(last - steps), chart.xOf(last)] : null;
}

function toggleLine(chart, button) {
  const index = chart.lines.findIndex((line) => line.key === button.dataset.line);
  const isShown = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(isShown));
  chart.lines[index].isShown = isShown;
  chart.plot?.setSeries(index + 1, { show: isShown });
}

function toggleTable(chart, button) {
  const { place } = chart.table;
  place.hidden = !place.hidden;
  button.setAttribute("aria-expanded", String(!place.hidden));
  if (!place.hidden) chart.table.show();
}

function onKey(chart, event) {
  if (!chart.plot || event.ctrlKey || event.metaKey || event.altKey) return;
  const at = chart.plot.cursor.idx ?? chart.steps.length - 1;
  const jump = event.shiftKey ? 10 : 1;
  const acts = {
    ArrowLeft: () => chart.moveTo(at - jump),
    ArrowRight: () => chart.moveTo(at + jump),
    Home: () => chart.moveTo(0),
    End: () => chart.moveTo(chart.steps.length - 1),
    "+": () => chart.group.zoomBy(0.5, chart.whole()),
    "-": () => chart.group.zoomBy(2, chart.whole()),
    0: () => chart.group.zoom(null),
  };
  if (!acts[event.key]) return;
  event.preventDefault();
  acts[event.key]();
}
