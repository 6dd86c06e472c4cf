// Arithmetic of charts; knows neither the page nor the drawing library.

/** A running mean that is right from the first value on, also where points were thinned: the past fades per step. */
export function smooth(steps, values, weight) {
  let total = 0;
  let amount = 0;
  let last = null;
  return values.map((value, index) => {
    if (value === null || value === undefined) return value;
    const faded = last === null ? 0 : weight ** (steps[index] - last);
    last = steps[index];
    total = total * faded + value;
    amount = amount * faded + 1;
    return total / amount;
  });
}

/** One sorted list of steps for several series, and each series laid out on it: undefined where it has no point. */
export function align(series) {
  const steps = [...new Set(series.flatMap((one) => one.step))].sort((a, b) => a - b);
  const places = new Map(steps.map((step, index) => [step, index]));
  const columns = series.map((one) => {
    const column = new Array(steps.length).fill(undefined);
    one.step.forEach((step, index) => (column[places.get(step)] = one.value[index]));
    return column;
  });
  return { steps, columns };
}

/** A function from step to the value that a series (of tokens, of seconds) had there, between points in proportion. */
export function interpolator(series) {
  const { step, value } = series;
  const end = step.length - 1;
  return (at) => {
    if (end < 1) return at;
    let low = 0;
    let high = end;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (step[middle] <= at) low = middle;
      else high = middle;
    }
    const share = (at - step[low]) / (step[high] - step[low]);
    return value[low] + share * (value[high] - value[low]);
  };
}

/** What a logarithm cannot show becomes a gap. */
export const positiveOnly = (column) => column.map((value) => (value !== undefined && value <= 0 ? null : value));

const MINUS = "\u2212";
const formats = new Map();

function format(options) {
  const key = JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(document.documentElement.lang, options));
  return formats.get(key);
}

/** As units.py writes numbers: small ones as 2e-4, the others with `digits`. */
export function numberText(value, digits = 3) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value === 0) return "0"; // a rate that has fallen to nothing, not one that was rounded
  const size = Math.abs(value);
  if (size < 0.001) return powerText(value, 1);
  return plainText(value, size >= 1000 ? 0 : digits);
}

function plainText(value, digits) {
  return format({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value).replace("-", MINUS);
}

function powerText(value, digits) {
  const [mantissa, exponent] = value.toExponential(digits).split("e");
  const short = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  return `${short.replace("-", MINUS)}e${Number(exponent)}`;
}

/** For an axis whose marks lie `step` apart: as few digits as tell them apart, and none of them rounded away. */
export function axisText(value, step) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5) return format({ notation: "compact", maximumFractionDigits: 2 }).format(value);
  if (step >= 0.001 || size >= 0.01) return plainText(value, places(step));
  const power = Math.floor(Math.log10(step) + 1e-9);
  const between = Math.max(0, Math.floor(Math.log10(size) + 1e-9) - power);
  return powerText(value, Math.min(8, between + places(step / 10 ** power)));
}

/** How many places after the point a number has: 2 for 0.25. */
function places(number) {
  let count = 0;
  while (count < 8 && Math.abs(number * 10 ** count - Math.round(number * 10 ** count)) > 1e-6) count += 1;
  return count;
}

export function durationText(seconds) {
  if (seconds < 60) return `${Math.round(seconds)}\u00a0s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes}\u00a0min`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}\u00a0h`;
}
