// All files of a package, where they lie on a host. The .deb, the tarball and the image are this one tree.
// Making its parts is done beside; packing is main.ts's.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Bundle } from "./bundle.ts";
import { copyrightText } from "./licences.ts";
import type { NodeBinary } from "./node-binary.ts";
import { sbomText } from "./sbom.ts";
import type { Entry } from "./tar.ts";
import { root } from "./target.ts";

export interface Parts {
  readonly version: string;
  readonly node: NodeBinary;
  readonly native: readonly Entry[];
  readonly bundle: Bundle;
  readonly man: readonly Entry[];
}

/** Where each file of files/ goes as it is. */
const places = [
  ["tidemark-collector.service", "usr/lib/systemd/system/tidemark-collector.service", 0o644],
  ["sysusers.conf", "usr/lib/sysusers.d/tidemark.conf", 0o644],
  ["tmpfiles.conf", "usr/lib/tmpfiles.d/tidemark.conf", 0o644],
  ["is-configured", "usr/lib/tidemark/is-configured", 0o755],
  ["tidemark", "usr/bin/tidemark", 0o755],
  ["tidemark-collector", "usr/sbin/tidemark-collector", 0o755],
  ["collector.conf", "etc/tidemark/collector.conf", 0o644],
  ["collector.env", "etc/tidemark/collector.env", 0o644],
  ["Dockerfile", "usr/share/doc/tidemark-collector/examples/Dockerfile", 0o644],
  ["prepare-host.mjs", "usr/share/doc/tidemark-collector/examples/prepare-host.mjs", 0o644],
  ["ecs-task-definition.json", "usr/share/doc/tidemark-collector/examples/ecs-task-definition.json", 0o644],
  ["kubernetes-daemonset.yaml", "usr/share/doc/tidemark-collector/examples/kubernetes-daemonset.yaml", 0o644],
] as const;

export const packageFile = (name: string): Buffer => readFileSync(join(import.meta.dirname, "files", name));

export function hostTree({ version, node, native, bundle, man }: Parts): readonly Entry[] {
  const text = (path: string, content: string): Entry => ({ path, mode: 0o644, bytes: Buffer.from(content) });
  return [
    ...native,
    ...bundle.entries,
    ...man,
    ...places.map(([name, path, mode]): Entry => ({ path, mode, bytes: packageFile(name) })),
    { path: "usr/lib/tidemark/node", mode: 0o755, bytes: node.bytes },
    text("usr/share/doc/tidemark-collector/copyright", copyrightText({ packages: bundle.packages, nodeLicense: node.license })),
    text("usr/share/doc/tidemark-collector/sbom.cdx.json", sbomText({ version, folders: bundle.packages, node: node.version })),
    text("usr/share/doc/tidemark-collector/CHANGELOG.md", readFileSync(join(root, "CHANGELOG.md"), "utf8")),
  ];
}
