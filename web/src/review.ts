/** Reviewing by keys: 1 to 5 and u press what is marked with them; on a record they choose for one card after another. */

function choose(form: HTMLFormElement, key: string): boolean {
  const cards = [...form.querySelectorAll<HTMLElement>("[data-card]")];
  if (!cards.length) return false;
  const here = cards.findIndex((card) => card.contains(document.activeElement));
  const card = cards[Math.max(here, 0)];
  const choice = card?.querySelector<HTMLInputElement>(`[data-choice="${key}"]`);
  if (!card || !choice) return false;
  choice.checked = true;
  card.dataset.chosen = key;
  const select = card.querySelector("select");
  if (key === "3" && select) select.focus();
  else (cards[cards.indexOf(card) + 1] ?? form.querySelector<HTMLElement>("button.main"))?.focus();
  return true;
}

/** Accept every card about which nothing was said. */
function acceptRest(form: HTMLFormElement): void {
  for (const card of form.querySelectorAll("[data-card]")) {
    const skipped = card.querySelector<HTMLInputElement>('[data-choice="5"]');
    const accept = card.querySelector<HTMLInputElement>('[data-choice="1"]');
    if (skipped?.checked && accept && !(card as HTMLElement).dataset.chosen) accept.checked = true;
  }
  form.requestSubmit();
}

/** Whether the key meant something here. */
export function reviewKey(key: string): boolean {
  const form = document.querySelector<HTMLFormElement>("form[data-keys]");
  if (form && choose(form, key)) return true;
  const pressed = document.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
  pressed?.click();
  return pressed !== null;
}

export function takeReview(): void {
  document.addEventListener("click", (event) => {
    const at = (event.target as Element).closest<HTMLElement>("[data-open-narrower], [data-rest], [data-all]");
    const form = at?.closest("form");
    if (!at || !form) return;
    if (at.dataset.openNarrower !== undefined) {
      const card = form.querySelector("input[name=concept]:checked")?.closest(".term-card") ?? form;
      const details = card.querySelector<HTMLDetailsElement>("[data-narrower]");
      if (details) details.open = true;
      (details?.querySelector("input") ?? form.querySelector<HTMLElement>("[name=other]"))?.focus();
    } else if (at.dataset.rest !== undefined) acceptRest(form);
    else for (const tick of form.querySelectorAll<HTMLInputElement>("[name=without]")) tick.checked = false;
  });
  // A term is chosen by its radio or written; what is written counts.
  const who = document.querySelector<HTMLInputElement>("[data-who]");
  const kept = localStorage.getItem("sherd.who");
  if (who && kept) who.value = kept;
  who?.addEventListener("change", () => localStorage.setItem("sherd.who", who.value));
}
