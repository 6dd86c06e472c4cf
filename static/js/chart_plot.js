// What uPlot is told: scales, axes, colours of the theme, the part still to come, and gaps with a mark.
import { axisText, durationText } from "./chart_math.js";
import { onThemeChange } from "./theme.js";

const colours = new Map();
onThemeChange(() => colours.clear());

/** A colour of the theme as the canvas needs it. */
export function colour(name) {
  if (!colours.has(name)) {
    const probe = document.createElement("i");
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    colours.set(name, getComputedStyle(probe).color);
    probe.remove();
  }
  return colours.get(name);
}

const TIME_STEPS = [1, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 43200, 86400];

function dashOf(number) {
  const text = getComputedStyle(document.documentElement).getPropertyValue(`--dash-${number}`).trim();
  return text === "none" || !text ? undefined : text.split(" ").map(Number);
}

function seriesOf(line) {
  const name = line.isRaw ? "--chart-raw" : `--series-${line.number}`;
  const stroke = () => colour(name);
  const points = { show: line.kind === "points", size: 8, width: 1.75, stroke, fill: () => colour("--surface") };
  return {
    label: line.label,
    show: line.isShown,
    stroke,
    width: line.isRaw ? 1 : 1.75,
    dash: line.isRaw ? undefined : dashOf(line.number),
    points,
  };
}

/** `chart` gives lines, isLog, isFromZero, group, whole() and last(); see chart.js. */
export function plotOptions(chart, size) {
  const font = `11px ${getComputedStyle(document.body).fontFamily}`;
  const grid = { stroke: () => colour("--chart-grid"), width: 1 };
  const ink = () => colour("--chart-axis");
  const isTime = chart.group.axis === "time";
  const xText = (u, splits) => splits.map((value) => (isTime ? durationText(value) : axisText(value, splits[1] - splits[0])));
  const yStep = (value, splits) => Math.abs(chart.isLog ? value : splits[1] - splits[0]);
  const yText = (u, splits) => splits.map((value) => (value === null ? "" : axisText(value, yStep(value, splits))));
  return {
    ...size,
    padding: [8, 12, 0, 0],
    legend: { show: false },
    series: [{}, ...chart.lines.map(seriesOf)],
    scales: {
      x: { time: false },
      y: chart.isLog ? { distr: 3 } : { range: (u, low, high) => yRange(low, high, chart.isFromZero) },
    },
    axes: [
      {
        stroke: ink, font, grid: { show: false }, ticks: { stroke: () => colour("--line-2"), size: 5, width: 1 },
        gap: 3, size: 26, space: 64, values: xText, ...(isTime && { incrs: TIME_STEPS }),
      },
      { stroke: ink, font, grid, ticks: { show: false }, gap: 4, size: 44, space: 28, values: yText },
    ],
    cursor: {
      sync: { key: chart.group.key, scales: ["x", null] },
      drag: { x: true, y: false, setScale: false },
      points: { size: 7, width: 1.75, fill: () => colour("--surface") },
      bind: { dblclick: () => () => chart.group.zoom(null) },
    },
    hooks: {
      drawClear: [(u) => drawAhead(u, chart)],
      draw: [(u) => drawGaps(u, chart)],
      setCursor: [() => chart.showTip()],
      setSelect: [(u) => takeSelection(u, chart)],
    },
  };
}

function yRange(low, high, isFromZero) {
  if (low === null || low === undefined) return [0, 1];
  const from = isFromZero ? Math.min(0, low) : low;
  const pad = (high - from || Math.abs(high) || 1) * 0.06;
  return [isFromZero && from === 0 ? 0 : from - pad, high + pad];
}

function takeSelection(u, chart) {
  if (u.select.width < 4) return;
  const low = u.posToVal(u.select.left, "x");
  const high = u.posToVal(u.select.left + u.select.width, "x");
  u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  chart.group.zoom([low, high]);
}

/** A faint band where steps are still to come, so that the axis does not jump. */
function drawAhead(u, chart) {
  const from = Math.max(u.valToPos(chart.last(), "x", true), u.bbox.left);
  const to = u.bbox.left + u.bbox.width;
  if (chart.last() >= chart.whole()[1] || from >= to) return;
  u.ctx.save();
  u.ctx.fillStyle = colour("--sunken");
  u.ctx.globalAlpha = 0.5;
  u.ctx.fillRect(from, u.bbox.top, to - from, u.bbox.height);
  u.ctx.restore();
}

/** Where a value was missing or not finite: a small cross at the foot, never a joined line. */
function drawGaps(u, chart) {
  const size = 3 * devicePixelRatio;
  const y = u.bbox.top + u.bbox.height - 2 * size;
  u.ctx.save();
  u.ctx.strokeStyle = colour("--bad");
  u.ctx.lineWidth = 1.5 * devicePixelRatio;
  u.ctx.beginPath();
  chart.gaps().forEach((at) => {
    const x = u.valToPos(at, "x", true);
    if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) return;
    u.ctx.moveTo(x - size, y - size);
    u.ctx.lineTo(x + size, y + size);
    u.ctx.moveTo(x + size, y - size);
    u.ctx.lineTo(x - size, y + size);
  });
  u.ctx.stroke();
  u.ctx.restore();
}

/** The plot on the ground of its card, with its title, as a PNG file. */
export function savePicture(u, title) {
  const source = u.ctx.canvas;
  const ratio = devicePixelRatio;
  const canvas = document.createElement("canvas");
  canvas.width = source.width;
  canvas.height = source.height + 32 * ratio;
  const context = canvas.getContext("2d");
  context.fillStyle = colour("--surface");
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = colour("--text");
  context.font = `600 ${14 * ratio}px ${getComputedStyle(document.body).fontFamily}`;
  context.fillText(title, 12 * ratio, 21 * ratio);
  context.drawImage(source, 0, 32 * ratio);
  canvas.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${title}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
}
