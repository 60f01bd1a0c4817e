import "htmx.org";
import "./page.css";
import { keep, tellCount } from "./board";
import { toggleHeat } from "./heat";
import { showKeys, takeKeys } from "./keys";
import { takeReview } from "./review";
import { takePictures } from "./upload";
import { say, word } from "./words";

document.addEventListener("click", (event) => {
  const at = (event.target as Element).closest<HTMLElement>(
    "[data-draw], [data-keep], [data-heat-toggle], [data-help], [data-zoom], [data-copy]",
  );
  if (!at) return;
  const { draw, src, image, keep: kept, heatToggle, zoom, marks, copy } = at.dataset;
  if (draw !== undefined && src && image) {
    void import("./draw").then(({ drawBox }) => drawBox(src, JSON.parse(image)));
  } else if (kept) {
    keep(JSON.parse(kept));
    at.classList.add("done");
  } else if (zoom && src) {
    void import("./viewer").then(({ deepZoom }) => deepZoom(zoom, src, JSON.parse(marks ?? "[]")));
  } else if (copy) {
    const text = document.querySelector(copy)?.textContent ?? "";
    void navigator.clipboard.writeText(text).then(() => {
      at.classList.add("done");
      say(word("copied"));
    });
  } else if (heatToggle !== undefined) toggleHeat();
  else showKeys();
});

document.documentElement.classList.add("js");
takePictures();
takeKeys();
takeReview();
tellCount();
