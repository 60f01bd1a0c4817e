import { make } from "./dom";
import { say, word } from "./words";

let on = false;

function cover(square: HTMLElement): void {
  if (square.querySelector(".heat")) return;
  square.querySelector("img")?.after(make("img", { class: "heat", src: square.dataset.heat ?? "", alt: "" }));
}

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting && on) cover(entry.target as HTMLElement);
});

/** Lay heat maps over the hits, or take them away; those out of sight get theirs when they are seen. */
export function toggleHeat(): void {
  on = !on;
  for (const square of document.querySelectorAll<HTMLElement>("[data-heat]")) {
    if (on) seen.observe(square);
    else {
      seen.unobserve(square);
      square.querySelector(".heat")?.remove();
    }
  }
  for (const button of document.querySelectorAll("[data-heat-toggle]")) button.setAttribute("aria-pressed", String(on));
  say(word(on ? "heat_on" : "heat_off"));
}
