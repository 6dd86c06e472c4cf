// Light, dark or as the system: changes at once and is remembered by the server's cookie.
import { all } from "./dom.js";

export function setUpTheme() {
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("[data-theme-form]");
    const choice = event.submitter?.value;
    if (!form || !choice) return;
    event.preventDefault();
    show(choice);
    const data = new FormData(form, event.submitter);
    const answer = await fetch(form.action, { method: "POST", body: data, redirect: "manual" }).catch(() => null);
    if (answer === null) form.submit();
  });
}

function show(choice) {
  const root = document.documentElement;
  if (choice === "system") delete root.dataset.theme;
  else root.dataset.theme = choice;
  for (const button of all(document, "[data-theme-form] button")) {
    button.setAttribute("aria-pressed", String(button.value === choice));
  }
}

/** Call `redraw` whenever the colours of the page change. Returns a function that ends it. */
export function onThemeChange(redraw) {
  const observer = new MutationObserver(redraw);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", redraw);
  return () => {
    observer.disconnect();
    system.removeEventListener("change", redraw);
  };
}
