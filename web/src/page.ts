import "htmx.org";
import "./page.css";
import { keep, keepBoard, tellCount } from "./board";
import { showBoard } from "./board-page";
import { toggleHeat } from "./heat";
import { followJob } from "./job";
import { showKeys, takeKeys } from "./keys";
import { takeReview } from "./review";
import { takePictures } from "./upload";
import { say, word } from "./words";

const sending = document.querySelector<HTMLFormElement>("[data-deliver]");
const list = document.querySelector<HTMLElement>("[data-board]");

document.addEventListener("click", (event) => {
  const at = (event.target as Element).closest<HTMLElement>(
    "[data-draw], [data-keep], [data-heat-toggle], [data-help], [data-zoom], [data-copy], [data-print], [data-board-clear]",
  );
  if (!at) return;
  const { draw, src, image, keep: kept, heatToggle, zoom, marks, copy, print, boardClear } = at.dataset;
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
  } else if (print !== undefined) window.print();
  else if (boardClear !== undefined) {
    keepBoard([]);
    if (list) showBoard(list);
  } else if (heatToggle !== undefined) toggleHeat();
  else showKeys();
});

document.addEventListener("submit", (event) => {
  const { sure } = (event.target as HTMLElement).dataset;
  if (sure && !confirm(sure)) event.preventDefault();
});

document.documentElement.classList.add("js");
if (!sending) takePictures();
takeKeys();
takeReview();
tellCount();
if (list) showBoard(list);
const job = document.querySelector<HTMLElement>("[data-job]");
if (job) followJob(job);
if (sending) void import("./deliver").then(({ deliver }) => deliver(sending));
const land = document.querySelector<SVGSVGElement>("[data-map]");
if (land) void import("./map").then(({ brushMap }) => brushMap(land));
