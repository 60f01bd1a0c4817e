/** The words of the page in its language, as the server put them on the body. */
const words: Record<string, string> = JSON.parse(document.body.dataset.words ?? "{}");

/** A word of the catalogue's table `script`; `{}` is filled in. */
export function word(key: string, filled = ""): string {
  return (words[key] ?? key).replace("{}", filled);
}

/** Say something to people who do not see the page. */
export function say(text: string): void {
  const place = document.getElementById("said");
  if (place) place.textContent = text;
}
