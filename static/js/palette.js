// "Search or jump to": a combobox over what the server finds; without scripts the same address is a page.
import { say, words } from "./dom.js";
import { isSpecialClick } from "./dialogs.js";

const WAIT_MS = 120;
let newest = 0;

export function setUpPalette() {
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  const input = dialog.querySelector("input");
  let timer = 0;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => search(dialog, input), WAIT_MS);
  });
  input.addEventListener("keydown", (event) => onKey(event, dialog, input));
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-palette-open]") && !isSpecialClick(event) && openPalette()) event.preventDefault();
  });
}

export function openPalette() {
  const dialog = document.getElementById("palette");
  if (!dialog) return false;
  const input = dialog.querySelector("input");
  dialog.showModal();
  input.select();
  search(dialog, input);
  return true;
}

async function search(dialog, input) {
  const turn = ++newest;
  const url = new URL(dialog.dataset.url, location.href);
  url.searchParams.set("q", input.value);
  const answer = await fetch(url, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (turn !== newest || !answer?.ok) return;
  const list = dialog.querySelector("[role=listbox]");
  list.innerHTML = await answer.text();
  const found = options(dialog);
  input.setAttribute("aria-expanded", String(found.length > 0));
  const nothing = dialog.querySelector(".palette__none");
  nothing.hidden = found.length > 0 || !input.value;
  if (!nothing.hidden) say(words("Nothing found"));
  choose(dialog, input, found[0]);
}

const options = (dialog) => [...dialog.querySelectorAll("[role=option]")];

function choose(dialog, input, option) {
  for (const other of options(dialog)) other.setAttribute("aria-selected", String(other === option));
  if (option) {
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  } else {
    input.removeAttribute("aria-activedescendant");
  }
}

function onKey(event, dialog, input) {
  const found = options(dialog);
  const at = found.findIndex((option) => option.getAttribute("aria-selected") === "true");
  if (event.key === "Enter") {
    event.preventDefault();
    found[at]?.click();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const next = at + (event.key === "ArrowDown" ? 1 : -1);
    choose(dialog, input, found[(next + found.length) % found.length]);
  }
}
