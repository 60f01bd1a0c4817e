/** A file to be sent, and its path below what was dropped or chosen. */
export interface Sent {
  file: File;
  path: string;
}

/** Files of a drop, folders opened; at most one more than `most`. The first folder is named where all are in it. */
export async function filesOf(data: DataTransfer, most: number): Promise<Sent[]> {
  // Entries must be taken before anything is waited for: the browser takes the drop away then.
  const items = [...data.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry() ?? item.getAsFile()).filter((entry) => entry !== null);
  const found: Sent[] = [];
  const walk = async (entry: FileSystemEntry, above: string): Promise<void> => {
    if (found.length > most) return;
    const path = above + entry.name;
    if (entry.isFile) {
      const file = await new Promise<File>((done, no) => (entry as FileSystemFileEntry).file(done, no));
      found.push({ file, path });
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    const read = () => new Promise<FileSystemEntry[]>((done, no) => reader.readEntries(done, no));
    // A reader gives a hundred at a time, and nothing when all were given.
    for (let some = await read(); some.length; some = await read()) for (const one of some) await walk(one, `${path}/`);
  };
  for (const entry of entries) {
    if (entry instanceof File) found.push({ file: entry, path: entry.name });
    else await walk(entry, "");
  }
  return found;
}

/** Files of an input; those of a chosen folder have their path. */
export function filesChosen(input: HTMLInputElement): Sent[] {
  return [...(input.files ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/** The folder that all lie in, and the files with their paths below it; "" where there is no such folder. */
export function withoutTop(files: Sent[]): { top: string; files: Sent[] } {
  const tops = new Set(files.map(({ path }) => (path.includes("/") ? path.slice(0, path.indexOf("/")) : "")));
  const [top = ""] = tops;
  if (tops.size !== 1 || !top) return { top: "", files };
  return { top, files: files.map(({ file, path }) => ({ file, path: path.slice(top.length + 1) })) };
}
