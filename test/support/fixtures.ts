// Files captured from real machines, for parsers to read.
import { readFileSync } from "node:fs";

const folder = new URL("../fixtures/", import.meta.url);

export const fixture = (name: string): string => readFileSync(new URL(name, folder), "latin1");
export const fixtureBytes = (name: string): Buffer => readFileSync(new URL(name, folder));
