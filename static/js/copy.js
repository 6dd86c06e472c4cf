// Copy buttons: `data-copy` holds the text. They are hidden until this ran, since they do nothing without it.
import { all, say, words } from "./dom.js";

export function setUpCopying(root) {
  if (!navigator.clipboard) return;
  for (const button of all(root, "[data-copy][hidden]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
}

async function copy(button) {
  await navigator.clipboard.writeText(button.dataset.copy);
  say(words("Copied"));
  button.classList.add("is-copied");
  setTimeout(() => button.classList.remove("is-copied"), 1500);
}
