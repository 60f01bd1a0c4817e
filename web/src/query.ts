import { address } from "./dom";

/** A box in fractions 0..1 of the upright picture. */
export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** The picture of a query: one of the library, or an uploaded one. */
export type QueryImage = { picture: string } | { upload: string };

export interface Query {
  text?: string;
  image?: QueryImage;
  box?: Box;
}

/** The least side of a box that says anything. */
const LEAST = 0.005;

/** The address of a search. */
export function searchAddress(query: Query): string {
  return address("/", { q: JSON.stringify(query) });
}

/** A box with its sides inside the picture; null where it is none. */
export function insideBox(box: Box): Box | null {
  const x = Math.min(Math.max(box.x, 0), 1);
  const y = Math.min(Math.max(box.y, 0), 1);
  const w = Math.min(Math.max(box.x + box.w, 0), 1) - x;
  const h = Math.min(Math.max(box.y + box.h, 0), 1) - y;
  if (!(w >= LEAST && h >= LEAST)) return null;
  const round = (side: number) => Math.floor(side * 10000) / 10000;
  return { x: round(x), y: round(y), w: round(w), h: round(h) };
}
