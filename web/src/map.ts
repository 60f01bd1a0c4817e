import { keep } from "./board";
import { address, make } from "./dom";
import { searchAddress } from "./query";
import { word } from "./words";

type Point = { x: number; y: number };

function at(svg: SVGSVGElement, event: PointerEvent): Point {
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM()?.inverse());
  return { x: point.x, y: point.y };
}

const middle = (values: number[]) => [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;

/** Show what was chosen, and what can be done with it. */
function choose(spots: SVGAElement[]): void {
  const place = document.querySelector<HTMLElement>("[data-chosen]");
  if (!place) return;
  place.hidden = !spots.length;
  if (!spots.length) return;
  const where = (spot: SVGAElement) => ({ x: Number(spot.dataset.x), y: Number(spot.dataset.y) });
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
    button.onclick = () => {
      for (const { dataset } of spots)
        keep({ record: dataset.record ?? "", title: dataset.title ?? "", picture: dataset.picture ?? "", box: null, w: 1, h: 1 });
    };
}

/** Let pictures be chosen by dragging over the map. */
export function brushMap(svg: SVGSVGElement): void {
  const spots = [...svg.querySelectorAll<SVGAElement>("[data-spot]")];
  const cell = Number(spots[0]?.querySelector("image")?.getAttribute("width") ?? 0);
  let from: Point | null = null;
  let brush: SVGRectElement | null = null;
  svg.addEventListener("dragstart", (event) => event.preventDefault());
  svg.addEventListener("pointerdown", (event) => {
    if (event.button === 0 && event.pointerType !== "touch") from = at(svg, event);
  });
  svg.addEventListener("pointermove", (event) => {
    if (!from) return;
    const to = at(svg, event);
    if (!brush) {
      if (Math.hypot(to.x - from.x, to.y - from.y) < cell / 2) return;
      brush = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      brush.setAttribute("class", "brush");
      svg.append(brush);
      svg.setPointerCapture(event.pointerId);
    }
    const [x, y] = [Math.min(from.x, to.x), Math.min(from.y, to.y)];
    const [w, h] = [Math.abs(from.x - to.x), Math.abs(from.y - to.y)];
    for (const [name, value] of Object.entries({ x, y, width: w, height: h })) brush.setAttribute(name, String(value));
    for (const spot of spots) {
      const [left, top] = [Number(spot.dataset.x) + cell / 2, Number(spot.dataset.y) + cell / 2];
      spot.classList.toggle("picked", left >= x && left <= x + w && top >= y && top <= y + h);
    }
  });
  const end = () => {
    from = null;
    if (!brush) return;
    brush.remove();
    brush = null;
    choose(spots.filter((spot) => spot.classList.contains("picked")));
    // The click that ends a drag opens nothing.
    svg.addEventListener("click", (event) => event.preventDefault(), { once: true, capture: true });
    setTimeout(() => svg.dispatchEvent(new Event("click", { cancelable: true })), 0);
  };
  svg.addEventListener("pointerup", end);
  svg.addEventListener("pointercancel", end);
  svg.dataset.ready = "";
}
