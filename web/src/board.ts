import type { Box } from "./query";
import { say, word } from "./words";

/** Something that was kept: a picture of a record, or a box on it. */
export interface Kept {
  record: string;
  title: string;
  picture: string;
  box: Box | null;
  w: number;
  h: number;
}

const KEY = "sherd.board";
/** More would not fit into one request. */
const MOST = 200;

/** What this browser keeps on its board, in order. */
export function board(): Kept[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.slice(0, MOST) : [];
  } catch {
    return [];
  }
}

export function keepBoard(kept: Kept[]): void {
  localStorage.setItem(KEY, JSON.stringify(kept.slice(0, MOST)));
  tellCount();
}

export function tellCount(): void {
  const count = board().length;
  for (const place of document.querySelectorAll("[data-board-count]")) place.textContent = count ? String(count) : "";
}

/** Keep one more; the same twice is once. */
export function keep(one: Kept): void {
  keepAll([one]);
}

export function keepAll(some: Kept[]): void {
  const place = ({ record, picture, box }: Kept) => JSON.stringify([record, picture, box]);
  const places = new Set(some.map(place));
  keepBoard([...board().filter((other) => !places.has(place(other))), ...some]);
  say(word("kept", some.length === 1 ? (some[0]?.title ?? "") : String(some.length)));
}
