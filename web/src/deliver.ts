import { address, make } from "./dom";
import { filesChosen, filesOf, type Sent, withoutTop } from "./files";
import { say, word } from "./words";

const BATCH_BYTES = 8_000_000;
const BATCH_FILES = 40;
/** Room for the envelope of a request. */
const ENVELOPE = 64_000;
const TRIES = 5;

interface Told {
  delivery: string;
  kept: number;
  refused: { path: string; reason: string }[];
}

const size = (bytes: number) =>
  bytes < 1e6 ? `${Math.max(Math.round(bytes / 1e3), 1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
const words = (key: string, ...filled: string[]) => filled.reduce((text, one) => text.replace("{}", one), word(key, "{}"));
const pause = (seconds: number) => new Promise((done) => setTimeout(done, 1_000 * seconds));

/** Small files go together, a large one goes alone; tables first, so that they are there whatever happens. */
function batches(files: Sent[]): Sent[][] {
  const isTable = ({ file }: Sent) => !file.type.startsWith("image/");
  const found: Sent[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const one of [...files.filter(isTable), ...files.filter((file) => !isTable(file))]) {
    const last = found.at(-1);
    if (!last || bytes + one.file.size > BATCH_BYTES || last.length >= BATCH_FILES) {
      found.push([one]);
      bytes = one.file.size;
    } else {
      last.push(one);
      bytes += one.file.size;
    }
  }
  return found;
}

/** One request; a server that is busy, and a line that breaks, are tried again. */
async function send(place: string, delivery: string, batch: Sent[], signal: AbortSignal): Promise<Told> {
  for (let n = 1; ; n += 1) {
    const body = new FormData();
    body.append("delivery", delivery);
    for (const { path } of batch) body.append("path", path);
    for (const { file } of batch) body.append("file", file, "file");
    const answer = await fetch(place, { method: "POST", body, signal, headers: { Accept: "application/json" } }).catch(
      (error) => {
        if (signal.aborted || n >= TRIES) throw error;
        return null;
      },
    );
    if (answer?.ok) return answer.json();
    const again = answer === null || [408, 429, 503].includes(answer.status);
    if (!again || n >= TRIES) throw new Error((await answer?.json().catch(() => null))?.detail ?? word("failed"));
    await pause(Number(answer?.headers.get("Retry-After")) || 2 ** n);
  }
}

/** Let a folder, or pictures with their table, be dropped or chosen, and send it; then look at what it is taken for. */
export function deliver(form: HTMLFormElement): void {
  const told = form.querySelector<HTMLElement>("[data-deliver-told]");
  const name = form.querySelector<HTMLInputElement>("[name=delivery]");
  const picked = form.querySelector<HTMLInputElement>("[name=file]");
  const folder = form.querySelector<HTMLInputElement>("[data-folder]");
  const button = form.querySelector<HTMLButtonElement>("button");
  if (!told || !name || !picked || !folder || !button) return;
  const most = Number(form.dataset.mostFiles);
  const mostBytes = Number(form.dataset.mostBytes) - ENVELOPE;
  const taken = (form.dataset.taken ?? "").split(",");
  const reasons: Record<string, string> = JSON.parse(form.dataset.reasons ?? "{}");
  let files: Sent[] = [];
  let named = false;
  picked.required = false;
  button.disabled = true;
  name.addEventListener("input", () => {
    named = true;
  });

  const show = (...children: (Node | string)[]) => {
    told.hidden = false;
    told.replaceChildren(...children);
  };
  const choose = (some: Sent[]) => {
    const { top, files: below } = withoutTop(some);
    const seen = below.filter(({ path }) => !path.split("/").some((one) => one.startsWith(".")));
    const fits = ({ file, path }: Sent) =>
      taken.some((end) => path.toLowerCase().endsWith(end)) && file.size <= mostBytes && file.size > 0;
    files = seen.filter(fits);
    const left = seen.filter((one) => !fits(one));
    const table = files.find(({ path }) => /\.(xlsx|xlsm|xls|csv|tsv)$/i.test(path) && !path.includes("/"));
    if (!named) name.value = (top || table?.file.name.replace(/\.\w+$/, "") || name.defaultValue).slice(0, 80);
    const bytes = files.reduce((sum, { file }) => sum + file.size, 0);
    const text = files.length > most ? words("deliver_many", String(most)) : words("deliver_chosen", String(files.length), size(bytes));
    button.disabled = !files.length || files.length > most;
    const rest = make(
      "details",
      {},
      make("summary", {}, words("deliver_left", String(left.length))),
      make("p", { class: "quiet" }, word("deliver_left_why")),
      make("ul", {}, ...left.slice(0, 100).map(({ path }) => make("li", {}, make("bdi", {}, path)))),
    );
    show(make("p", {}, make("b", {}, files.length ? text : word("deliver_none"))), ...(left.length ? [rest] : []));
    say(files.length ? text : word("deliver_none"));
  };
  picked.addEventListener("change", () => choose(filesChosen(picked)));
  folder.addEventListener("change", () => choose(filesChosen(folder)));
  const zone = form.querySelector<HTMLElement>(".deliver-drop");
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    zone?.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) zone?.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    zone?.classList.remove("over");
    if (!event.dataTransfer?.types.includes("Files") || busy) return;
    event.preventDefault();
    void filesOf(event.dataTransfer, most).then(choose);
  });

  let busy = false;
  const go = async (waiting: Sent[][], done: { files: number; bytes: number }, refused: Told["refused"]) => {
    busy = true;
    button.disabled = picked.disabled = folder.disabled = name.readOnly = true;
    const all = { files: files.length, bytes: files.reduce((sum, { file }) => sum + file.size, 0) };
    const stop = new AbortController();
    const bar = make("progress", { max: String(all.bytes), value: String(done.bytes), "aria-label": word("reading") });
    const line = make("p", {});
    const end = make("button", { type: "button" }, word("deliver_stop"));
    end.addEventListener("click", () => stop.abort());
    const tell = () => {
      (bar as HTMLProgressElement).value = done.bytes;
      line.textContent = words("deliver_going", String(done.files), String(all.files), size(done.bytes), size(all.bytes));
    };
    tell();
    show(line, bar, make("p", {}, end));
    const stay = (event: Event) => event.preventDefault();
    addEventListener("beforeunload", stay);
    let delivery = name.value;
    try {
      for (let batch = waiting[0]; batch; batch = waiting[0]) {
        const answer = await send(form.action, delivery, batch, stop.signal);
        delivery = answer.delivery;
        waiting.shift();
        refused.push(...answer.refused);
        done.files += batch.length;
        done.bytes += batch.reduce((sum, { file }) => sum + file.size, 0);
        tell();
      }
    } catch (error) {
      const again = make("button", { type: "button", class: "main" }, word("deliver_again"));
      again.addEventListener("click", () => void go(waiting, done, refused));
      const why = stop.signal.aborted ? word("deliver_stop") : error instanceof Error ? error.message : word("failed");
      show(line, make("p", { class: "problem", role: "alert" }, words("deliver_broken", why)), make("p", {}, again));
      picked.disabled = folder.disabled = name.readOnly = busy = false;
      return;
    } finally {
      removeEventListener("beforeunload", stay);
    }
    const next = address("/ingest", { source: `received/${delivery}` });
    if (!refused.length) return location.assign(next);
    show(
      make("p", {}, make("b", {}, word("deliver_refused"))),
      make(
        "ul",
        { class: "log" },
        ...refused.map(({ path, reason }) => make("li", {}, make("bdi", {}, path), " ", reasons[reason] ?? reason)),
      ),
      make("p", {}, make("a", { class: "button", href: next }, word("deliver_look"))),
    );
    say(word("deliver_refused"));
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (files.length && !busy && form.reportValidity()) void go(batches(files), { files: 0, bytes: 0 }, []);
  });
  form.dataset.ready = "";
}
