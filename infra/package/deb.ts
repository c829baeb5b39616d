// Makes a Debian package: an ar archive of a version, what dpkg must know, and the files. man 5 deb, man 5 deb-control.
// Written here and not by dpkg-deb, so that it is made on any machine, and its bytes do not depend on dpkg's version.
import { createHash } from "node:crypto";
import { type Entry, tar } from "./tar.ts";

export interface Deb {
  readonly entries: readonly Entry[];
  readonly version: string;
  readonly architecture: "amd64" | "arm64";
  readonly description: string;
  /** preinst, postinst, prerm, postrm. */
  readonly scripts: Readonly<Record<string, Uint8Array>>;
  readonly mtimeS: number;
  compress(bytes: Uint8Array): Uint8Array;
}

/**
 * What the programs need of the host. Node is linked to glibc 2.28 and libstdc++ of GCC 5; the walker and the shim need nothing.
 * passwd has useradd, for hosts whose systemd has no sysusers.
 */
const DEPENDS = "libc6 (>= 2.28), libstdc++6 (>= 5.2), passwd";

export function deb({ entries, version, architecture, description, scripts, mtimeS, compress }: Deb): Buffer {
  const conffiles = entries.filter(({ path }) => path.startsWith("etc/")).map(({ path }) => `/${path}`);
  const control = [
    "Package: tidemark-collector",
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    "Maintainer: Tidemark maintainers <maintainers@tidemark.invalid>",
    `Installed-Size: ${Math.ceil(entries.reduce((sum, { bytes }) => sum + bytes.length, 0) / 1_024)}`,
    `Depends: ${DEPENDS}`,
    "Section: admin",
    "Priority: optional",
    `Description: ${description}`,
    " An agent that watches the memory of every process of a host: resident and heap figures, fragmentation, what a trim",
    " would return. It runs as its own user with two capabilities and ships to Amazon Data Firehose.",
  ];
  const md5sums = entries
    .filter(({ path }) => !path.startsWith("etc/"))
    .map(({ path, bytes }) => `${createHash("md5").update(bytes).digest("hex")}  ${path}`);
  const file = (path: string, lines: readonly string[]): Entry => ({
    path,
    mode: 0o644,
    bytes: Buffer.from(`${lines.join("\n")}\n`),
  });
  const controlEntries = [
    file("control", control),
    file("conffiles", conffiles),
    file("md5sums", md5sums),
    ...Object.entries(scripts).map(([path, bytes]): Entry => ({ path, mode: 0o755, bytes })),
  ];
  const archive = (of: readonly Entry[]) => compress(tar(of, { root: "./", mtimeS }));
  return ar(
    [
      ["debian-binary", Buffer.from("2.0\n")],
      ["control.tar.gz", archive(controlEntries)],
      ["data.tar.gz", archive(entries)],
    ],
    mtimeS,
  );
}

/** man 5 ar. */
function ar(members: readonly (readonly [name: string, bytes: Uint8Array])[], mtimeS: number): Buffer {
  const parts: Uint8Array[] = [Buffer.from("!<arch>\n")];
  for (const [name, bytes] of members) {
    const fields = [
      [name, 16],
      [mtimeS, 12],
      [0, 6],
      [0, 6],
      ["100644", 8],
      [bytes.length, 10],
    ] as const;
    parts.push(Buffer.from(`${fields.map(([field, width]) => String(field).padEnd(width)).join("")}\`\n`), bytes);
    if (bytes.length % 2 === 1) parts.push(Buffer.from("\n"));
  }
  return Buffer.concat(parts);
}
