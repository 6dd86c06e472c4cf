// Single keys: "/" searches, "g" and a letter goes to a place, "?" lists them. They can be switched off in that list.
import { all, isTyping } from "./dom.js";
import { openPalette } from "./palette.js";

const STORED = "tunesmith.shortcuts";
const WAIT_MS = 1200;
let pressedG = 0;

const isOn = () => localStorage.getItem(STORED) !== "off";

export function setUpShortcuts() {
  document.addEventListener("keydown", onKey);
  const dialog = document.getElementById("shortcuts");
  if (!dialog) return;
  for (const button of all(document, "[data-shortcuts-open]")) {
    button.hidden = false;
    button.addEventListener("click", () => dialog.showModal());
  }
  const box = dialog.querySelector("[data-shortcuts-on]");
  box.checked = isOn();
  box.addEventListener("change", () => localStorage.setItem(STORED, box.checked ? "on" : "off"));
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || !isOn()) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "/") {
    if (openPalette()) event.preventDefault();
  } else if (event.key === "?") {
    document.getElementById("shortcuts")?.showModal();
  } else if (event.key === "g") {
    pressedG = event.timeStamp;
  } else if (event.timeStamp - pressedG < WAIT_MS) {
    document.querySelector(`[data-shortcut="${CSS.escape(event.key)}"]`)?.click();
    pressedG = 0;
  }
}
