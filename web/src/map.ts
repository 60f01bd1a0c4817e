import { keepAll } from "./board";
import { address, make } from "./dom";
import { searchAddress } from "./query";
import { say, word } from "./words";

type Point = { x: number; y: number };
const SVG = "http://www.w3.org/2000/svg";
const STEPS: Record<string, Point> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};

const where = (spot: SVGAElement): Point => ({ x: Number(spot.dataset.x), y: Number(spot.dataset.y) });
const middle = (values: number[]) => [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;

function at(svg: SVGSVGElement, event: MouseEvent): Point {
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM()?.inverse());
  return { x: point.x, y: point.y };
}

/** Show what was chosen, and what can be done with it. */
function choose(spots: SVGAElement[]): void {
  const place = document.querySelector<HTMLElement>("[data-chosen]");
  if (!place) return;
  place.hidden = !spots.length;
  if (!spots.length) return;
  const centre = { x: middle(spots.map((spot) => where(spot).x)), y: middle(spots.map((spot) => where(spot).y)) };
  const far = (spot: SVGAElement) => Math.hypot(where(spot).x - centre.x, where(spot).y - centre.y);
  const best = spots.reduce((one, other) => (far(other) < far(one) ? other : one));
  const count = place.querySelector("[data-chosen-count]");
  if (count) count.textContent = word("map_chosen", String(spots.length));
  const like = place.querySelector<HTMLAnchorElement>("[data-chosen-like]");
  if (like) like.href = searchAddress({ image: { picture: best.dataset.picture ?? "" } });
  const shown = spots.slice(0, 60).map((spot) => {
    const { record = "", picture = "", title = "" } = spot.dataset;
    const image = make("img", { src: `/api/v1/pictures/${picture}/thumbnail`, alt: title, loading: "lazy" });
    return make("li", {}, make("a", { class: "square", href: address("/record", { id: record }) }, image));
  });
  place.querySelector("ul")?.replaceChildren(...shown);
  const button = place.querySelector<HTMLButtonElement>("[data-chosen-keep]");
  if (button)
    button.onclick = () =>
      keepAll(
        spots.map(({ dataset: { record = "", title = "", picture = "", w, h } }) => {
          return { record, title, picture, box: null, w: Number(w), h: Number(h) };
        }),
      );
}

/** Let pictures be chosen: by dragging, by two corners that are clicked or tapped, or by keys. */
export function brushMap(svg: SVGSVGElement): void {
  const spots = [...svg.querySelectorAll<SVGAElement>("[data-spot]")];
  const cell = Number(svg.dataset.map);
  const mode = document.querySelector<HTMLButtonElement>("[data-map-choose]");
  const choosing = () => mode?.getAttribute("aria-pressed") === "true";
  const brush = document.createElementNS(SVG, "rect");
  brush.setAttribute("class", "brush");
  const cursor = document.createElementNS(SVG, "rect");
  cursor.setAttribute("class", "cursor");
  for (const [side, value] of Object.entries({ width: cell, height: cell })) cursor.setAttribute(side, String(value));

  const lay = (one: Point, other: Point) => {
    const [x, y] = [Math.min(one.x, other.x), Math.min(one.y, other.y)];
    const [width, height] = [Math.abs(one.x - other.x), Math.abs(one.y - other.y)];
    for (const [name, value] of Object.entries({ x, y, width, height })) brush.setAttribute(name, String(value));
    svg.append(brush);
    for (const spot of spots) {
      const [left, top] = [where(spot).x + cell / 2, where(spot).y + cell / 2];
      spot.classList.toggle("picked", left >= x && left <= x + width && top >= y && top <= y + height);
    }
  };
  const picked = () => spots.filter((spot) => spot.classList.contains("picked"));
  const clear = () => {
    brush.remove();
    for (const spot of picked()) spot.classList.remove("picked");
    choose([]);
  };

  let from: Point | null = null;
  let dragged = false;
  let corner: Point | null = null;
  svg.addEventListener("dragstart", (event) => event.preventDefault());
  svg.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || (event.pointerType === "touch" && !choosing())) return;
    from = at(svg, event);
    dragged = false;
  });
  svg.addEventListener("pointermove", (event) => {
    if (!from) return;
    const to = at(svg, event);
    if (!dragged && Math.hypot(to.x - from.x, to.y - from.y) < cell / 2) return;
    if (!dragged) svg.setPointerCapture(event.pointerId);
    dragged = true;
    corner = null;
    lay(from, to);
  });
  const end = () => {
    from = null;
    if (!dragged) return;
    brush.remove();
    choose(picked());
  };
  svg.addEventListener("pointerup", end);
  svg.addEventListener("pointercancel", end);
  svg.addEventListener(
    "click",
    (event) => {
      // The click that ends a drag opens nothing; while choosing, two clicks are two corners.
      if (dragged || choosing()) event.preventDefault();
      if (dragged || !choosing()) {
        dragged = false;
        return;
      }
      const here = at(svg, event);
      if (corner) {
        lay(corner, here);
        brush.remove();
        corner = null;
        choose(picked());
      } else {
        clear();
        corner = here;
        lay(here, here);
        say(word("map_corner"));
      }
    },
    true,
  );
  mode?.addEventListener("click", () => {
    mode.setAttribute("aria-pressed", String(!choosing()));
    svg.classList.toggle("choosing", choosing());
    corner = null;
    brush.remove();
  });

  /** The picture that the keys are at, and the corners of what they choose. */
  let current = -1;
  let [anchor, head]: [Point, Point] = [
    { x: 0, y: 0 },
    { x: 0, y: 0 },
  ];
  const go = (n: number) => {
    const spot = spots[n];
    if (!spot) return;
    current = n;
    anchor = head = where(spot);
    cursor.setAttribute("x", String(anchor.x));
    cursor.setAttribute("y", String(anchor.y));
    svg.append(cursor);
    cursor.scrollIntoView({ block: "nearest", inline: "nearest" });
    say(spot.dataset.title || (spot.dataset.record ?? ""));
  };
  /** The nearest in a direction; what lies aside counts as farther. */
  const next = (step: Point) => {
    let [best, found] = [Number.POSITIVE_INFINITY, -1];
    for (const [n, spot] of spots.entries()) {
      const [x, y] = [where(spot).x - anchor.x, where(spot).y - anchor.y];
      const ahead = x * step.x + y * step.y;
      const far = ahead + 2 * Math.abs(x * step.y + y * step.x);
      if (n !== current && ahead > 0 && far < best) [best, found] = [far, n];
    }
    return found;
  };
  svg.addEventListener("focus", () => {
    if (current < 0) go(0);
  });
  svg.addEventListener("keydown", (event) => {
    if (event.target !== svg) return;
    const step = STEPS[event.key];
    if (step && event.shiftKey) {
      head = { x: head.x + cell * step.x, y: head.y + cell * step.y };
      const edge = (one: "x" | "y", other: Point) => (head[one] >= other[one] ? cell : 0);
      lay(
        { x: anchor.x + cell - edge("x", anchor), y: anchor.y + cell - edge("y", anchor) },
        { x: head.x + edge("x", anchor), y: head.y + edge("y", anchor) },
      );
      choose(picked());
      say(word("map_chosen", String(picked().length)));
    } else if (step) go(next(step));
    else if (event.key === "Enter") location.assign(spots[current]?.href.baseVal ?? location.href);
    else if (event.key === "Escape") clear();
    else return;
    event.preventDefault();
  });
  svg.setAttribute("tabindex", "0");
  svg.dataset.ready = "";
}
