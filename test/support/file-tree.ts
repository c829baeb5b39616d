// A folder of files that stands for /proc, /sys or a cgroup hierarchy. What is in the files is the test's business.
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A new folder with the files, by path below it; a text that starts with `->` makes a symbolic link to what follows. */
export function fileTree(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), "tidemark-tree-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    if (text.startsWith("->")) symlinkSync(text.slice("->".length), join(root, path));
    else writeFileSync(join(root, path), text, "latin1");
  }
  return root;
}
