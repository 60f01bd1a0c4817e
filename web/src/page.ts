import "htmx.org";
import "./page.css";
import { keep, tellCount } from "./board";
import { toggleHeat } from "./heat";
import { showKeys, takeKeys } from "./keys";
import { takePictures } from "./upload";

document.addEventListener("click", (event) => {
  const at = (event.target as Element).closest<HTMLElement>(
    "[data-draw], [data-keep], [data-heat-toggle], [data-help]",
  );
  if (!at) return;
  const { draw, src, image, keep: kept, heatToggle } = at.dataset;
  if (draw !== undefined && src && image) {
    void import("./draw").then(({ drawBox }) => drawBox(src, JSON.parse(image)));
  } else if (kept) {
    keep(JSON.parse(kept));
    at.classList.add("done");
  } else if (heatToggle !== undefined) toggleHeat();
  else showKeys();
});

document.documentElement.classList.add("js");
takePictures();
takeKeys();
tellCount();
