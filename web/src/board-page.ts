import { board, type Kept, keepBoard } from "./board";
import { address, make } from "./dom";
import { word } from "./words";

const SVG = "http://www.w3.org/2000/svg";

function drawn(name: string, attributes: Record<string, string | number>): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

/** The part of a picture that was kept, out of its thumbnail. */
function crop(one: Kept): SVGElement {
  const { x, y, w, h } = one.box ?? { x: 0, y: 0, w: 1, h: 1 };
  const view = [x * one.w, y * one.h, w * one.w, h * one.h].join(" ");
  const picture = drawn("svg", { class: "crop", viewBox: view, role: "img", "aria-label": one.title });
  const href = `/api/v1/pictures/${encodeURIComponent(one.picture)}/thumbnail`;
  picture.append(drawn("image", { href, width: one.w, height: one.h, preserveAspectRatio: "none" }));
  // A square shows more than a long box has; the frame tells what is taken.
  if (one.box) {
    const frame = { x: x * one.w, y: y * one.h, width: w * one.w, height: h * one.h };
    const lines = ["halo", "edge"].map((name) => drawn("rect", { class: name, ...frame }));
    const marked = drawn("g", { class: "framed" });
    marked.append(...lines);
    picture.append(marked);
  }
  return picture;
}

/** Show what is on the board, and keep the forms in step with it. */
export function showBoard(list: HTMLElement): void {
  const kept = board();
  const button = (name: string, title: string, change: () => void) => {
    const made = make("button", { type: "button", class: "link", "aria-label": `${word(name)}: ${title}` }, word(name));
    made.addEventListener("click", () => {
      change();
      keepBoard(kept);
      showBoard(list);
    });
    return made;
  };
  const swap = (one: number, other: number) => {
    const [first, second] = [kept[one], kept[other]];
    if (first && second) [kept[one], kept[other]] = [second, first];
  };
  list.replaceChildren(
    ...kept.map((one, n) =>
      make(
        "li",
        {},
        crop(one),
        make("a", { href: address("/record", { id: one.record }) }, one.title || one.record),
        make(
          "p",
          { class: "next" },
          button("board_up", one.title, () => swap(n, n - 1)),
          button("board_down", one.title, () => swap(n, n + 1)),
          button("board_remove", one.title, () => kept.splice(n, 1)),
        ),
      ),
    ),
  );
  const items = kept.slice(0, Number(list.dataset.most)).map(({ record, picture, box }) => {
    return box ? { record, picture, box } : { record, picture }; // a whole picture has no box, not an empty one
  });
  for (const field of document.querySelectorAll<HTMLInputElement>("[data-board-items]"))
    field.value = JSON.stringify(items);
  for (const tools of document.querySelectorAll<HTMLElement>("[data-board-tools]")) tools.hidden = !kept.length;
  for (const empty of document.querySelectorAll<HTMLElement>("[data-board-empty]")) empty.hidden = kept.length > 0;
}
