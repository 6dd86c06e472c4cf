// The same numbers as a table, fifty rows at a time, the newest first.
import { numberText } from "./chart_math.js";
import { words } from "./dom.js";

const ROWS = 50;

export class ChartTable {
  /** `place` is the element to fill; `read()` gives {steps, columns, labels, digits}. */
  constructor(place, read) {
    this.place = place;
    this.read = read;
    this.page = 0;
  }

  show() {
    const { steps, columns, labels, digits } = this.read();
    const pages = Math.max(1, Math.ceil(steps.length / ROWS));
    this.page = Math.min(this.page, pages - 1);
    const end = steps.length - this.page * ROWS;
    const table = element("table", "table table--compact");
    table.createTHead().append(row("th", [words("Step"), ...labels], { scope: "col" }));
    const body = table.createTBody();
    for (let at = end - 1; at >= Math.max(0, end - ROWS); at -= 1) {
      const values = columns.map((column) => (column[at] === undefined ? "" : numberText(column[at], digits)));
      body.append(row("td", [numberText(steps[at], 0), ...values]));
    }
    const wrap = element("div", "table-wrap table-wrap--tall");
    wrap.tabIndex = 0;
    wrap.setAttribute("role", "group");
    wrap.setAttribute("aria-label", words("As a table"));
    wrap.append(table);
    this.place.replaceChildren(wrap, ...(pages > 1 ? [this.pager(pages)] : []));
  }

  pager(pages) {
    const bar = element("div", "pages");
    const place = element("span", "small quiet tab");
    place.textContent = `${this.page + 1} / ${pages}`;
    bar.append(this.button(words("Newer"), this.page - 1, pages), place, this.button(words("Older"), this.page + 1, pages));
    return bar;
  }

  button(text, page, pages) {
    const button = element("button", "btn btn--s");
    button.type = "button";
    button.textContent = text;
    button.disabled = page < 0 || page >= pages;
    button.addEventListener("click", () => {
      this.page = page;
      this.show();
      this.place.querySelector(".pages button:not(:disabled)")?.focus();
    });
    return button;
  }
}

function row(tag, texts, attributes = {}) {
  const line = element("tr", "");
  texts.forEach((text) => {
    const cell = element(tag, "num");
    for (const [name, value] of Object.entries(attributes)) cell.setAttribute(name, value);
    cell.textContent = text;
    line.append(cell);
  });
  return line;
}

function element(tag, css) {
  const made = document.createElement(tag);
  if (css) made.className = css;
  return made;
}
