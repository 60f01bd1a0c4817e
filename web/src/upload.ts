import { make } from "./dom";
import { searchAddress } from "./query";
import { say, word } from "./words";

/** Search with a picture that was dropped or pasted. */
export async function searchWith(file: File): Promise<void> {
  const note = make("p", { class: "note", role: "status" }, word("reading"));
  document.body.append(note);
  const form = new FormData();
  form.append("file", file);
  try {
    const answer = await fetch("/api/v1/uploads", { method: "POST", body: form });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.detail);
    location.assign(searchAddress({ image: { upload: told.upload } }));
  } catch (error) {
    note.textContent = error instanceof Error && error.message ? error.message : word("failed");
    say(note.textContent);
    setTimeout(() => note.remove(), 8000);
  }
}

function pictureOf(data: DataTransfer | null): File | undefined {
  return [...(data?.files ?? [])].find((file) => file.type.startsWith("image/"));
}

/** Take pictures that are dropped anywhere on the page, or pasted. */
export function takePictures(): void {
  const curtain = make("p", { class: "curtain", "aria-hidden": "true" }, word("drop"));
  let depth = 0;
  const dragging = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  const leave = () => {
    depth = 0;
    curtain.remove();
  };
  document.addEventListener("dragenter", (event) => {
    if (!dragging(event)) return;
    depth += 1;
    document.body.append(curtain);
  });
  document.addEventListener("dragleave", () => {
    depth -= 1;
    if (depth <= 0) leave();
  });
  document.addEventListener("dragover", (event) => {
    if (dragging(event)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    const file = pictureOf(event.dataTransfer);
    leave();
    if (!file) return;
    event.preventDefault();
    void searchWith(file);
  });
  document.addEventListener("paste", (event) => {
    const file = pictureOf(event.clipboardData);
    if (!file) return;
    event.preventDefault();
    void searchWith(file);
  });
  const chosen = document.querySelector<HTMLInputElement>(".by-picture input[type=file]");
  chosen?.addEventListener("change", () => chosen.form?.requestSubmit());
}
