/** Reviewing by keys: 1 to 5 and u press what is marked with them; on a record they choose for one card after another. */

/** Those that can be seen: what the catalogue says already is folded away. */
function shownCards(form: HTMLFormElement): HTMLElement[] {
  return [...form.querySelectorAll<HTMLElement>("[data-card]")].filter((card) => !card.closest("details:not([open])"));
}

function choose(form: HTMLFormElement, key: string): boolean {
  const cards = shownCards(form);
  if (!cards.length) return false;
  const here = cards.findIndex((card) => card.contains(document.activeElement));
  const card = cards[Math.max(here, 0)];
  const choice = card?.querySelector<HTMLInputElement>(`[data-choice="${key}"]`);
  if (!card || !choice) return false;
  choice.checked = true;
  card.dataset.chosen = key;
  const narrower = key === "3" ? card.querySelector<HTMLDetailsElement>("[data-narrower]") : null;
  if (narrower) {
    narrower.open = true;
    narrower.querySelector<HTMLElement>("input")?.focus();
  } else (cards[cards.indexOf(card) + 1] ?? form.querySelector<HTMLElement>("button.main"))?.focus();
  return true;
}

/** Accept every card about which nothing was said. */
function acceptRest(form: HTMLFormElement): void {
  for (const card of shownCards(form)) {
    const skipped = card.querySelector<HTMLInputElement>('[data-choice="5"]');
    const accept = card.querySelector<HTMLInputElement>('[data-choice="1"]');
    if (skipped?.checked && accept && !card.dataset.chosen) accept.checked = true;
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
  document.addEventListener("change", (event) => {
    const at = event.target as HTMLInputElement;
    const card = at.closest<HTMLElement>("[data-card]");
    if (!card) return;
    // Whoever picks a narrower term means it; whoever means a narrower term is shown them.
    const narrow = card.querySelector<HTMLInputElement>('[data-choice="3"]');
    if (at.dataset.narrow !== undefined && narrow) narrow.checked = true;
    card.dataset.chosen = at.dataset.choice ?? "3";
    const narrower = card.querySelector<HTMLDetailsElement>("[data-narrower]");
    if (narrower && narrow?.checked) narrower.open = true;
  });
  // A term is chosen by its radio or written; what is written counts.
  const who = document.querySelector<HTMLInputElement>("[data-who]");
  const kept = localStorage.getItem("sherd.who");
  if (who && kept) who.value = kept;
  who?.addEventListener("change", () => localStorage.setItem("sherd.who", who.value));
}
