// Forms: a button that waits says so, a file field shows what was chosen, a filter form sends itself.

export function setUpForms() {
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || !event.submitter || event.target.matches("[data-theme-form]")) return;
    event.submitter.setAttribute("aria-busy", "true");
    // Only after the data were taken: a disabled button would not be sent.
    setTimeout(() => event.submitter.setAttribute("aria-disabled", "true"));
  });
  // Coming back by the browser's own button must not find a button that still waits.
  addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("[aria-busy=true][type=submit]")) {
      button.removeAttribute("aria-busy");
      button.removeAttribute("aria-disabled");
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("button[type=submit][aria-disabled=true]")) event.preventDefault();
  });
  document.addEventListener("change", (event) => {
    if (event.target.type === "file") showNames(event.target);
    if (event.target.closest("form[data-autosubmit]")) event.target.form.requestSubmit();
  });
}

export function showNames(input) {
  const place = input.closest(".dropzone")?.querySelector("[data-file-name]");
  if (place) place.textContent = [...input.files].map((file) => file.name).join(", ");
}
