import { createImageAnnotator } from "@annotorious/annotorious";
import "@annotorious/annotorious/annotorious.css";
import { dialog, make } from "./dom";
import { type Box, insideBox, type QueryImage, searchAddress } from "./query";
import { word } from "./words";

const SIDES = ["x", "y", "w", "h"] as const;
const LABELS = { x: "left", y: "top", w: "width", h: "height" } as const;

/** Let the person draw a box on a picture, by pointer or by numbers, and search for what is in it. */
export function drawBox(src: string, image: QueryImage): void {
  const picture = make("img", { src, alt: "" });
  const fields = Object.fromEntries(
    SIDES.map((side) => [
      side,
      make("input", { type: "number", min: "0", max: "100", step: "0.1", name: side, required: "" }),
    ]),
  ) as Record<keyof Box, HTMLInputElement>;
  const search = make("button", { class: "main" }, word("search_part"));
  const form = make(
    "form",
    { method: "dialog", class: "draw-form" },
    ...SIDES.map((side) => make("label", {}, word(LABELS[side]), " ", fields[side], " %")),
    search,
  );
  const shown = dialog(
    word("draw_title"),
    word("close"),
    make("p", { class: "quiet" }, word("draw_help")),
    make("div", { class: "canvas" }, picture),
    form,
  );
  shown.classList.add("draw");

  const boxOfFields = () => {
    const box = Object.fromEntries(SIDES.map((side) => [side, fields[side].valueAsNumber / 100])) as unknown as Box;
    return insideBox(box);
  };
  const tell = () => {
    search.disabled = boxOfFields() === null;
  };
  tell();
  /** Draws the box of the numbers, once there is something to draw on. */
  let show = () => {};
  form.addEventListener("input", () => {
    tell();
    show();
  });

  const start = () => {
    if (!shown.isConnected) return;
    const annotator = createImageAnnotator(picture, { drawingEnabled: true, drawingMode: "drag" });
    const take = (selector: unknown) => {
      const bounds = (selector as { geometry?: { bounds?: Record<string, number> } }).geometry?.bounds;
      if (!bounds) return;
      const { minX = 0, minY = 0, maxX = 0, maxY = 0 } = bounds;
      const [width, height] = [picture.naturalWidth, picture.naturalHeight];
      const box = { x: minX / width, y: minY / height, w: (maxX - minX) / width, h: (maxY - minY) / height };
      for (const side of SIDES) fields[side].value = (100 * box[side]).toFixed(1);
      tell();
    };
    annotator.on("createAnnotation", (made) => {
      // One box at a time: an earlier one goes.
      for (const other of annotator.getAnnotations()) if (other.id !== made.id) annotator.removeAnnotation(other);
    });
    annotator.state.store.observe((event) => {
      const { created = [], updated = [] } = event.changes ?? {};
      for (const made of [...created, ...updated.map((one) => one.newValue)]) take(made.target.selector);
    });
    show = () => {
      const box = boxOfFields();
      if (!box) return;
      const [width, height] = [picture.naturalWidth, picture.naturalHeight];
      const [minX, minY] = [box.x * width, box.y * height];
      annotator.clearAnnotations();
      annotator.addAnnotation({
        id: "box",
        bodies: [],
        target: {
          annotation: "box",
          selector: {
            type: "RECTANGLE",
            geometry: {
              x: minX,
              y: minY,
              w: box.w * width,
              h: box.h * height,
              bounds: { minX, minY, maxX: minX + box.w * width, maxY: minY + box.h * height },
            },
          },
        },
      } as never);
    };
    show();
    shown.addEventListener("close", () => annotator.destroy());
  };
  // Annotorious' history of changes fails on what is drawn in the first quarter of a second of a page (3.8.10).
  const soon = () => setTimeout(start, Math.max(0, 300 - performance.now()));
  if (picture.complete && picture.naturalWidth) soon();
  else picture.addEventListener("load", soon, { once: true });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const box = boxOfFields();
    if (box) location.assign(searchAddress({ image, box }));
  });
}
