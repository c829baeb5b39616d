// npm run sbom: the bill of materials of all that is loaded in production, into dist/. What a host's package carries lies in it.
// What stands in it is sbom.ts's.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { productionFolders, sbomText } from "./sbom.ts";
import { root } from "./target.ts";

const { version }: { version: string } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const path = join(root, "dist", "sbom.cdx.json");
mkdirSync(join(root, "dist"), { recursive: true });
const text = sbomText({ version, folders: productionFolders(), node: null });
writeFileSync(path, text);
process.stdout.write(`${relative(process.cwd(), path)}: ${JSON.parse(text).components.length} components\n`);
