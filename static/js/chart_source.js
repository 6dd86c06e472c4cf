// The numbers of one run: fetched once for all charts of the page, then only what is new.

const POINTS = 1200;
const MUCH = 4 * POINTS; // what was appended is not thinned; past this everything is asked for again
const sources = new Map();

export class Source extends EventTarget {
  /** All charts that name the same address share one source. */
  static of(url) {
    if (!sources.has(url)) sources.set(url, new Source(url));
    return sources.get(url);
  }

  constructor(url) {
    super();
    this.url = url;
    this.names = new Set();
    this.series = new Map();
    this.totalSteps = 0;
    this.isThinned = false;
    this.hasFailed = false;
    this.cursor = "";
    this.isBusy = false;
    this.isAgain = false;
  }

  get(name) {
    return this.series.get(name) ?? { step: [], value: [] };
  }

  get lastStep() {
    return Math.max(0, ...[...this.series.values()].map((one) => one.step.at(-1) ?? 0));
  }

  /** Fetch what is new. Calls while one is under way are answered by one more after it. */
  async refresh() {
    if (this.isBusy) {
      this.isAgain = true;
      return;
    }
    this.isBusy = true;
    try {
      this.take(await this.ask({ after: this.needsAll ? "" : this.cursor }));
      this.hasFailed = false;
    } catch {
      this.hasFailed = true; // what is drawn stays; the next event tries again
    }
    this.isBusy = false;
    this.dispatchEvent(new Event("change"));
    if (this.isAgain) {
      this.isAgain = false;
      await this.refresh();
    }
  }

  /** A window in full detail, for zooming into thinned points. */
  async detail(from, to) {
    const answer = await this.ask({ from: Math.floor(from), to: Math.ceil(to) });
    return new Map(Object.entries(answer.series));
  }

  get needsAll() {
    const isNew = [...this.names].some((name) => !this.series.has(name));
    return isNew || [...this.series.values()].some((one) => one.step.length > MUCH);
  }

  async ask(parameters) {
    const url = new URL(this.url, location.href);
    url.searchParams.set("names", [...this.names].join(","));
    url.searchParams.set("points", POINTS);
    for (const [name, value] of Object.entries(parameters)) if (value !== "") url.searchParams.set(name, value);
    const answer = await fetch(url, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }

  take(answer) {
    const isWhole = answer.reset || this.needsAll || !this.cursor;
    if (isWhole) this.series = new Map([...this.names].map((name) => [name, { step: [], value: [] }]));
    for (const [name, points] of Object.entries(answer.series)) {
      const known = this.get(name);
      known.step.push(...points.step);
      known.value.push(...points.value);
      this.series.set(name, known);
    }
    if (isWhole) this.isThinned = answer.thinned;
    this.totalSteps = answer.total_steps ?? this.totalSteps;
    this.cursor = answer.cursor;
  }
}

document.addEventListener("run:moved", () => {
  for (const source of sources.values()) source.refresh();
});
