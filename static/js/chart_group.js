// Charts of one page move together: one horizontal axis, one zoom, one smoothing.

const groups = new Map();

export class Group {
  static of(name) {
    if (!groups.has(name)) groups.set(name, new Group(name));
    return groups.get(name);
  }

  constructor(name) {
    this.key = name;
    this.charts = new Set();
    this.axis = "step";
    this.range = null; // null shows all
    this.weight = 0.8;
  }

  setAxis(axis) {
    this.axis = axis;
    this.range = null;
    for (const chart of this.charts) chart.rebuild();
  }

  setWeight(weight) {
    this.weight = Math.min(0.99, Math.max(0, weight));
    for (const chart of this.charts) chart.update();
  }

  zoom(range) {
    this.range = range;
    for (const chart of this.charts) chart.applyRange();
  }

  /** Half or twice of what is seen, around its middle, never beyond all. */
  zoomBy(factor, whole) {
    const [low, high] = this.range ?? whole;
    const middle = (low + high) / 2;
    const half = ((high - low) / 2) * factor;
    const next = [Math.max(whole[0], middle - half), Math.min(whole[1], middle + half)];
    this.zoom(next[0] <= whole[0] && next[1] >= whole[1] ? null : next);
  }
}
