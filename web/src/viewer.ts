import OpenSeadragon from "openseadragon";
import { dialog, make } from "./dom";
import type { Box } from "./query";
import { say, word } from "./words";

export interface Mark extends Box {
  n: number;
  label: string;
}

/** A picture to be looked at closely, with its marks; by wheel, fingers, buttons or keys (arrows, + and -). */
export async function deepZoom(service: string, thumbnail: string, marks: Mark[]): Promise<void> {
  const place = make("div", { class: "zoom", tabindex: "-1" });
  const buttons = (["zoom_in", "zoom_out", "zoom_home"] as const).map((name) =>
    make("button", { type: "button", class: "link" }, word(name)),
  );
  const note = make("p", { class: "quiet" });
  const list = make("p", { class: "next" });
  const shown = dialog(word("zoom_title"), word("close"), make("p", { class: "next" }, ...buttons), place, note, list);
  shown.classList.add("zooming");

  // The whole picture by tiles, where its file is at hand.
  const answer = await fetch(`${service}/info.json`).catch(() => null);
  const tiles = answer?.ok ? await answer.json() : null;
  if (!tiles) note.textContent = word("zoom_thumbnail");
  const viewer = OpenSeadragon({
    element: place,
    tileSources: tiles ?? { type: "image", url: thumbnail },
    drawer: "canvas",
    showNavigationControl: false,
    showNavigator: false,
    gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
    maxZoomPixelRatio: 4,
    visibilityRatio: 0.6,
    animationTime: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 0.6,
  });
  const [closer, farther, home] = buttons;
  closer?.addEventListener("click", () => viewer.viewport.zoomBy(1.6));
  farther?.addEventListener("click", () => viewer.viewport.zoomBy(1 / 1.6));
  home?.addEventListener("click", () => viewer.viewport.goHome());
  viewer.addHandler("open", () => {
    const { x: width, y: height } = viewer.world.getItemAt(0).getContentSize();
    // OpenSeadragon counts in widths of the picture.
    const rectangle = (mark: Mark) =>
      new OpenSeadragon.Rect(mark.x, (mark.y * height) / width, mark.w, (mark.h * height) / width);
    for (const mark of marks) {
      viewer.addOverlay({ element: make("div", { class: "zoom-mark" }, String(mark.n)), location: rectangle(mark) });
      const button = make("button", { type: "button", class: "link" }, `${mark.n} ${mark.label}`);
      button.addEventListener("click", () => viewer.viewport.fitBounds(rectangle(mark)));
      list.append(button);
    }
    place.dataset.open = tiles ? "tiles" : "thumbnail";
    say(word("zoom_title"));
  });
  shown.addEventListener("close", () => viewer.destroy());
}
