// The man pages, compressed: their frames are in files/, the settings come from the collector's own table.
// What the table says is collector/settings.ts's.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import type { Entry } from "./tar.ts";
import { root } from "./target.ts";

const pages = ["tidemark-collector.8", "tidemark.8"] as const;

export async function manPages({
  version,
  mtimeS,
}: {
  readonly version: string;
  readonly mtimeS: number;
}): Promise<readonly Entry[]> {
  // By path, as the functions are bundled by path: infra knows the collector from outside only.
  const docs = pathToFileURL(join(root, "collector", "settings-docs.ts")).href;
  const { settingsManSection }: { settingsManSection(): string } = await import(docs);
  const values: Record<string, string> = {
    DATE: new Date(mtimeS * 1_000).toISOString().slice(0, 10),
    VERSION: version,
    SETTINGS: settingsManSection(),
  };
  return pages.map((page) => {
    const frame = readFileSync(join(import.meta.dirname, "files", `${page}.in`), "utf8");
    const text = frame.replace(/@([A-Z]+)@/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`${page}.in asks for ${name}`);
      return value;
    });
    return { path: `usr/share/man/man8/${page}.gz`, mode: 0o644, bytes: gzipSync(text, { level: 9 }) };
  });
}
