// A link with `data-dialog` shows its page's question in the one dialog of the shell; menus close when left.
import { all } from "./dom.js";

export function setUpDialogs() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-dialog]");
    if (link && !isSpecialClick(event)) open(event, link);
    const closer = event.target.closest("dialog [data-close]");
    if (closer) {
      event.preventDefault();
      closer.closest("dialog").close();
    }
    if (event.target instanceof HTMLDialogElement) event.target.close(); // the backdrop
    for (const menu of all(document, "details[data-menu][open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of all(document, "details[data-menu][open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}

async function open(event, link) {
  event.preventDefault();
  const dialog = document.getElementById("dialog");
  try {
    const answer = await fetch(link.href, { headers: { "HX-Request": "true" } });
    if (!answer.ok) throw new Error(String(answer.status));
    dialog.innerHTML = await answer.text();
  } catch {
    location.assign(link.href); // the same question as a page
    return;
  }
  dialog.showModal();
  dialog.querySelector("input:not([type=hidden]), [data-close]")?.focus();
}

/** A click that the person meant for the browser: a new tab, a download. */
export function isSpecialClick(event) {
  return event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
}
