import { dialog, make } from "./dom";
import { toggleHeat } from "./heat";
import { reviewKey } from "./review";
import { word } from "./words";

const WRITING = "input:not([type=radio], [type=checkbox], [type=file]), textarea, select, dialog";
const OFF = "sherd.keys.off";
const LIST = [
  ["/", "key_search"],
  ["h", "key_heat"],
  ["j, k", "key_next"],
  ["s", "key_part"],
  ["d", "key_draw"],
  ["b", "key_keep"],
  ["?", "key_help"],
] as const;
const REVIEW = [
  ["1", "key_accept"],
  ["2", "key_but"],
  ["3", "key_narrower"],
  ["4", "key_refuse"],
  ["5", "key_skip"],
  ["u", "key_undo"],
  ["?", "key_help"],
] as const;

function on(): boolean {
  return localStorage.getItem(OFF) === null;
}

/** The list of keys, and whether they work. */
export function showKeys(): void {
  const box = make("input", { type: "checkbox" });
  box.checked = on();
  box.addEventListener("change", () => {
    if (box.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  });
  const list = document.querySelector("form[data-keys]") ? REVIEW : LIST;
  const rows = list.map(([key, name]) => make("p", {}, make("kbd", {}, key), " ", word(name)));
  dialog(word("keys_title"), word("close"), make("label", { class: "check" }, box, " ", word("keys_on")), ...rows);
}

function step(by: number): void {
  const hits = [...document.querySelectorAll<HTMLElement>("[data-hit]")];
  const here = hits.findIndex((hit) => hit.contains(document.activeElement));
  const next = hits[Math.min(Math.max(here + by, 0), hits.length - 1)];
  next?.querySelector("a")?.focus();
}

function press(selector: string): void {
  const hit = document.activeElement?.closest("[data-hit]");
  hit?.querySelector<HTMLElement>(selector)?.click();
}

/** Single keys, unless somebody is writing or has turned them off. */
export function takeKeys(): void {
  document.addEventListener("keydown", (event) => {
    const at = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || at.closest(WRITING)) return;
    if (event.key === "?") return showKeys();
    if (!on()) return;
    if (event.key === "/") {
      event.preventDefault();
      document.querySelector<HTMLElement>("#text")?.focus();
    } else if (event.key === "h") document.querySelector("[data-heat-toggle]") && toggleHeat();
    else if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "s") press(".part");
    else if (event.key === "d") press("[data-draw]");
    else if (event.key === "b") press("[data-keep]");
    else if (/^[1-5u]$/.test(event.key) && reviewKey(event.key)) event.preventDefault();
  });
}
