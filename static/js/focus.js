// Where the focus is after a swap. What a person asked for leads to the first error or to the new heading. A poll moves
// nothing: where it replaced what had the focus, the like of it in the new content gets it back.

const CONTROLS = "a[href], button, input, select, textarea, summary";

export function setUpFocus() {
  let had = null;
  document.addEventListener("htmx:beforeSwap", () => (had = describe(document.activeElement)));
  document.addEventListener("htmx:afterSettle", (event) => {
    if (!leadOn(event.detail)) giveBack(had);
  });
}

function leadOn({ requestConfig: config, elt: target }) {
  if (!config?.triggeringEvent || config.triggeringEvent.type === "load") return false;
  const place = target.querySelector("[aria-invalid=true], [role=alert]") ?? target.querySelector("[data-focus]");
  if (!place || place.contains(document.activeElement)) return false;
  if (!place.matches("input, select, textarea, button, a[href]")) place.tabIndex = -1;
  place.focus();
  return true;
}

/** What is needed to find an element again when it was made anew: its place, what it leads to, what it says. */
function describe(element) {
  if (!element?.matches(CONTROLS)) return null;
  const scope = element.parentElement.closest("[id]");
  return { element, scope: scope?.id, leads: leadsTo(element), text: element.textContent.trim() };
}

const leadsTo = (element) =>
  [element.localName, element.getAttribute("href"), element.form?.getAttribute("action"), element.name].join(" ");

function giveBack(had) {
  const isLost = had && !had.element.isConnected && (!document.activeElement || document.activeElement === document.body);
  if (!isLost) return;
  const scope = document.getElementById(had.scope) ?? document.querySelector("main");
  const alike = [...scope.querySelectorAll(had.element.localName)].filter((one) => leadsTo(one) === had.leads);
  const twin = alike.find((one) => one.textContent.trim() === had.text) ?? alike[0];
  twin?.focus({ preventScroll: true });
}
