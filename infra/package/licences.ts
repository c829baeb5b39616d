// The licences of all that a package carries, in one file, as Debian's policy 12.5 asks: usr/share/doc/<package>/copyright.
// What is carried is its callers'.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./target.ts";

/** `packages` are folders below node_modules. Throws where one of them names no licence. */
export function copyrightText({
  packages,
  nodeLicense,
}: {
  readonly packages: readonly string[];
  readonly nodeLicense: string;
}): string {
  const bundled = packages.map(readLicence);
  const list = bundled.map(({ name, version, licence }) => `   ${name} ${version} (${licence})`);
  const texts = new Map<string, string[]>();
  for (const { name, text } of bundled) texts.set(text, [...(texts.get(text) ?? []), name]);
  const chapter = (title: string, text: string) => `${title}\n${"-".repeat(title.length)}\n${text.trim()}\n`;
  return [
    `${readFileSync(join(import.meta.dirname, "files", "copyright"), "utf8")}\nnpm packages:\n${list.join("\n")}\n`,
    chapter("Tidemark", readFileSync(join(root, "LICENSE"), "utf8")),
    ...Array.from(texts, ([text, names]) => chapter(names.join(", "), text)),
    chapter("Node.js", nodeLicense),
  ].join("\n");
}

function readLicence(folder: string): {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly text: string;
} {
  const place = join(root, folder);
  const { name, version, license }: { name: string; version: string; license?: string } = JSON.parse(
    readFileSync(join(place, "package.json"), "utf8"),
  );
  if (license === undefined) throw new Error(`${folder} names no licence`);
  const file = readdirSync(place).find((candidate) => /^licen[cs]e/i.test(candidate));
  return { name, version, licence: license, text: file === undefined ? `${license}` : readFileSync(join(place, file), "utf8") };
}
