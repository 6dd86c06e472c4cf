// Toasts go after ten seconds, but not while somebody reads them: pointer or focus on one stops its clock.
import { all, say } from "./dom.js";

const SECONDS = 10;

export function setUpToasts(root) {
  for (const toast of all(root, "[data-toast]:not([data-seen])")) {
    toast.dataset.seen = "";
    say(toast.querySelector("span").textContent);
    const close = toast.querySelector("[data-close]");
    close.hidden = false;
    close.addEventListener("click", () => toast.remove());
    startClock(toast);
  }
}

/** A toast from a script. `isSticky` stays until its returned element is removed. */
export function showToast(text, { isSticky = false } = {}) {
  const region = document.getElementById("toasts");
  const template = document.getElementById("toast-template");
  if (!region || !template) return null;
  const toast = template.content.firstElementChild.cloneNode(true);
  toast.querySelector("span").textContent = text;
  if (isSticky) toast.dataset.sticky = "";
  region.append(toast);
  setUpToasts(toast);
  return toast;
}

function startClock(toast) {
  if ("sticky" in toast.dataset) return;
  let timer = 0;
  const go = () => {
    toast.classList.add("is-going");
    setTimeout(() => toast.remove(), 300);
  };
  const start = () => {
    clearTimeout(timer);
    timer = setTimeout(go, SECONDS * 1000);
  };
  const stop = () => clearTimeout(timer);
  toast.addEventListener("pointerenter", stop);
  toast.addEventListener("pointerleave", start);
  toast.addEventListener("focusin", stop);
  toast.addEventListener("focusout", start);
  start();
}
