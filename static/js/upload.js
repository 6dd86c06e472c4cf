// Sends the files of a form in parts, so that a broken line costs one part and not a whole file.
// Without this script the form sends its files itself; with it the form is sent with `upload`, the ids of what arrived.
import { csrfToken, onReady, all, words } from "./dom.js";
import { showNames } from "./forms.js";

const TRIES = 8;
const STORED = "tunesmith.upload:";

class Upload {
  constructor(form) {
    this.form = form;
    this.input = form.querySelector("input[type=file]");
    this.panel = form.querySelector("[data-upload-progress]");
    this.stopped = null;
    form.addEventListener("submit", (event) => this.onSubmit(event));
    this.panel.querySelector("[data-upload-stop]").addEventListener("click", () => this.stop());
    const zone = form.querySelector(".dropzone");
    for (const name of ["dragenter", "dragover"]) zone?.addEventListener(name, (event) => this.onDrag(event, zone, true));
    for (const name of ["dragleave", "drop"]) zone?.addEventListener(name, (event) => this.onDrag(event, zone, false));
    zone?.addEventListener("drop", (event) => this.take(event.dataTransfer.files));
  }

  onDrag(event, zone, isOver) {
    event.preventDefault();
    zone.classList.toggle("is-over", isOver);
  }

  take(files) {
    if (!files.length) return;
    this.input.files = files;
    showNames(this.input);
    this.input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  async onSubmit(event) {
    const files = [...this.input.files];
    if (!files.length || this.form.elements.upload.value) return;
    event.preventDefault();
    const button = event.submitter;
    button?.setAttribute("aria-busy", "true");
    button?.setAttribute("aria-disabled", "true");
    this.say("");
    try {
      const arrived = [];
      for (const file of files) arrived.push(await this.send(file));
      this.form.elements.upload.value = arrived.join(",");
      this.input.disabled = true; // they have arrived; the form needs only their ids
      this.form.submit();
    } catch (error) {
      this.panel.hidden = true;
      button?.removeAttribute("aria-busy");
      button?.removeAttribute("aria-disabled");
      if (error.name !== "AbortError") this.say(error.message);
    }
  }

  async send(file) {
    this.stopped = new AbortController();
    this.started = { at: performance.now(), offset: null };
    const known = `${STORED}${file.name}:${file.size}:${file.lastModified}`;
    const upload = (await this.resume(known)) ?? (await this.open(file, known));
    let { offset } = upload;
    this.show(file, offset);
    while (offset < file.size) {
      offset = await this.sendPart(upload, file, offset);
      this.show(file, offset);
    }
    const answer = await this.ask(`${upload.url}/finish`, { method: "POST" });
    localStorage.removeItem(known);
    return (await answer.json()).upload;
  }

  async open(file, known) {
    const body = JSON.stringify({ file_name: file.name, size_bytes: file.size });
    const answer = await this.ask(this.form.dataset.upload, { method: "POST", body, headers: { "Content-Type": "application/json" } });
    const upload = await answer.json();
    localStorage.setItem(known, JSON.stringify(upload));
    return upload;
  }

  /** Go on with what an earlier try of the same file left; nothing if the server no longer has it. */
  async resume(known) {
    const upload = JSON.parse(localStorage.getItem(known) ?? "null");
    if (!upload) return null;
    const answer = await fetch(upload.url, { signal: this.stopped.signal }).catch(() => null);
    const state = answer?.ok ? await answer.json() : null;
    if (state?.state === "open") return { ...upload, offset: state.offset };
    localStorage.removeItem(known);
    return null;
  }

  /** Send one part; where the server stands somewhere else, it says where, and that counts. */
  async sendPart(upload, file, offset) {
    const body = file.slice(offset, offset + upload.chunk_bytes);
    const headers = { "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream" };
    const answer = await this.ask(upload.url, { method: "PATCH", body, headers });
    return Number(answer.headers.get("Upload-Offset"));
  }

  /** Ask again while the line or the server is away; a refusal is said at once, in the server's words. */
  async ask(url, { headers = {}, ...options }) {
    const all = { "X-CSRFToken": csrfToken(), Accept: "application/json", ...headers };
    for (let attempt = 1; ; attempt += 1) {
      const answer = await fetch(url, { ...options, headers: all, signal: this.stopped.signal }).catch((error) => {
        if (error.name === "AbortError") throw error;
        return null;
      });
      if (answer?.ok || (answer?.status === 409 && answer.headers.has("Upload-Offset"))) return answer;
      if (answer && answer.status < 500) throw new Error(await refusal(answer));
      if (attempt === TRIES) throw new Error(words("The server did not answer. What has arrived is kept; press the button to go on."));
      await new Promise((resume) => setTimeout(resume, Math.min(15_000, 500 * 2 ** attempt)));
    }
  }

  stop() {
    this.stopped?.abort();
  }

  show(file, offset) {
    this.started.offset ??= offset;
    const seconds = (performance.now() - this.started.at) / 1000;
    const speed = (offset - this.started.offset) / Math.max(seconds, 0.001);
    const left = speed > 0 ? Math.ceil((file.size - offset) / speed) : null;
    const progress = this.panel.querySelector("progress");
    const share = file.size ? offset / file.size : 1;
    progress.value = share;
    progress.textContent = `${Math.round(100 * share)} %`;
    this.panel.hidden = false;
    this.panel.querySelector("[data-upload-name]").textContent = `${file.name} · ${Math.round(100 * share)}\u00a0%`;
    const amount = `${megabytes(offset)} / ${megabytes(file.size)}`;
    this.panel.querySelector("[data-upload-left]").textContent = left === null || left < 2 ? amount : `${amount} · ${left}\u00a0s`;
  }

  say(text) {
    const place = this.form.querySelector("[data-upload-error]");
    place.hidden = !text;
    place.querySelector("span").textContent = text;
  }
}

async function refusal(answer) {
  const problem = await answer.json().catch(() => ({}));
  return problem.title ?? words("The server refused the file.");
}

const format = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
const megabytes = (bytes) => `${format.format(bytes / 1e6)}\u00a0MB`;

onReady((root) => all(root, "form[data-upload]:not([data-ready])").forEach((form) => {
  form.dataset.ready = "";
  new Upload(form);
}));
