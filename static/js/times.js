// Keeps "3 minutes ago" true while the page stands open.
import { all } from "./dom.js";

const UNITS = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

export function setUpTimes() {
  const format = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });
  setInterval(() => all(document, "time[data-relative]").forEach((time) => update(time, format)), 30_000);
}

function update(time, format) {
  const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
  const unit = UNITS.find(([, size]) => Math.abs(seconds) >= size * 0.98);
  if (unit) time.textContent = format.format(Math.round(seconds / unit[1]), unit[0]);
}
