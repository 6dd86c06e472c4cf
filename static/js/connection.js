// Polls rest while nobody looks, and say so when the server does not answer.
import { words } from "./dom.js";
import { showToast } from "./toasts.js";

const TRIES = 3;
let failures = 0;
let toast = null;

const isPoll = (config) => config.verb === "get" && !config.triggeringEvent;

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-Tab"] = document.hidden ? "hidden" : "visible";
});

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && isPoll(event.detail.requestConfig)) event.preventDefault();
});

for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, () => {
    failures += 1;
    if (failures < TRIES || toast) return;
    const text = words("The server does not answer. This page goes on by itself once it does.");
    toast = showToast(text, { isSticky: true });
  });
}

document.addEventListener("htmx:responseError", (event) => {
  if (isPoll(event.detail.requestConfig)) return;
  const id = event.detail.xhr.getResponseHeader("X-Request-ID");
  showToast(`${words("This did not work; nothing was changed.")} ${id ?? ""}`.trim());
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.xhr.status === 0) return;
  failures = 0;
  toast?.remove();
  toast = null;
});
