// After a swap that a person asked for, focus goes to the first error or to the new heading. A poll moves nothing.

export function setUpFocus() {
  document.addEventListener("htmx:afterSettle", (event) => {
    const config = event.detail.requestConfig;
    if (!config || !config.triggeringEvent || config.triggeringEvent.type === "load") return;
    const target = event.detail.elt;
    const invalid = target.querySelector("[aria-invalid=true], [role=alert]");
    const place = invalid ?? target.querySelector("[data-focus]");
    if (!place || place.contains(document.activeElement)) return;
    if (!place.matches("input, select, textarea, button, a[href]")) place.tabIndex = -1;
    place.focus();
  });
}
