/** An element with attributes and children; strings become text, never markup. */
export function make<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Record<string, string> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A dialog that is gone when it is closed; focus goes back to where it was. */
export function dialog(title: string, closing: string, ...children: (Node | string)[]): HTMLDialogElement {
  const before = document.activeElement;
  const close = make("button", { type: "button", class: "close" }, closing);
  const shown = make("dialog", { "aria-label": title }, make("h2", {}, title), ...children, close);
  close.addEventListener("click", () => shown.close());
  shown.addEventListener("close", () => {
    shown.remove();
    if (before instanceof HTMLElement) before.focus();
  });
  document.body.append(shown);
  shown.showModal();
  return shown;
}

/** The address of a page in the language of this one. */
export function address(path: string, given: Record<string, string>): string {
  const lang = new URLSearchParams(location.search).get("lang");
  return `${path}?${new URLSearchParams(lang ? { ...given, lang } : given)}`;
}
