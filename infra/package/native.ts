// The native parts of a package: the walker without a C library of the host's, and the libraries that programs preload.
// How they are compiled is native/Makefile's.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./run.ts";
import type { Entry } from "./tar.ts";
import { type Architecture, machineOf, root } from "./target.ts";

const compilerFor = {
  x64: "a C compiler for x86-64 with libc's static library (Debian: build-essential)",
  arm64: "a C compiler for arm64 (Debian: gcc-aarch64-linux-gnu libc6-dev-arm64-cross)",
} as const;

export function nativeParts(architecture: Architecture): readonly Entry[] {
  const machine = machineOf[architecture];
  const native = join(root, "native");
  try {
    run("make", ["-s", "-C", native, "package", `PACKAGE_MACHINE=${machine}`], { cwd: root, needs: "make" });
  } catch (cause) {
    throw new Error(`the native parts for ${machine} could not be made; they need ${compilerFor[architecture]}`, { cause });
  }
  return ["tidemark-walk", "libtidemark.so", "libtidemark-failures.so", "libtidemark-profile.so"].map((name) => ({
    path: `usr/lib/tidemark/${name}`,
    mode: name.endsWith(".so") ? 0o644 : 0o755,
    bytes: readFileSync(join(native, "build", `package-${machine}`, name)),
  }));
}
