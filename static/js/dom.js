// What several modules need of the document.

/** A translated sentence; the catalogue comes from /words.js. */
export const words = (text) => (window.gettext ? window.gettext(text) : text);

/** Call `setUp(root)` for the page and for each fragment that htmx brings later. */
export function onReady(setUp) {
  setUp(document);
  document.addEventListener("htmx:load", (event) => setUp(event.detail.elt));
}

/** Elements under `root`, and `root` itself, that fit. */
export function all(root, selector) {
  const found = [...root.querySelectorAll(selector)];
  return root instanceof Element && root.matches(selector) ? [root, ...found] : found;
}

/** Say something to a screen reader, through the one live region of the page. */
export function say(text) {
  const region = document.getElementById("live");
  if (region && region.textContent !== text) region.textContent = text;
}

export function csrfToken() {
  const headers = document.body.getAttribute("hx-headers");
  if (headers) return JSON.parse(headers)["X-CSRFToken"];
  return document.querySelector("input[name=csrfmiddlewaretoken]")?.value ?? "";
}

/** True where a key press means a letter and not a command. */
export function isTyping(target) {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;
}
