// The unit, the ECS task definition and the Kubernetes manifest give one program the same rights; here they are laid side by side.
// That the unit's rights are enough is install.test.ts's.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { isSettingName } from "../../../collector/settings.ts";
import { missing } from "../../support/need.ts";
import { newFolder, root } from "./packages.ts";

const folder = join(root, "infra/package/files");
const read = (name: string) => readFileSync(join(folder, name), "utf8");

/** Values of each key, in order: man 5 systemd.syntax. */
function readUnit(text: string): ReadonlyMap<string, readonly string[]> {
  const keys = new Map<string, string[]>();
  for (const [, key = "", value = ""] of text.matchAll(/^(\w+)=(.*)$/gm)) keys.set(key, [...(keys.get(key) ?? []), value]);
  return keys;
}

const unit = readUnit(read("tidemark-collector.service"));
const only = (key: string): string => {
  const values = unit.get(key) ?? [];
  equal(values.length, 1, key);
  return values[0] ?? "";
};

const capabilities = only("CapabilityBoundingSet")
  .split(" ")
  .map((name) => name.replace("CAP_", ""));
const memoryMib = Number(only("MemoryMax").replace("M", ""));
const cpuShare = Number(only("CPUQuota").replace("%", "")) / 100;
const stopSeconds = Number(only("TimeoutStopSec"));
const stateFolder = `/var/lib/${only("StateDirectory")}`;

interface Named {
  readonly name: string;
}
interface Capabilities {
  readonly add: readonly string[];
  readonly drop: readonly string[];
}
/** The parts of a container that are looked at: Kubernetes' container-v1. */
interface PodContainer extends Named {
  readonly command: readonly string[];
  readonly env: readonly Named[];
  readonly securityContext: {
    readonly capabilities: Capabilities;
    readonly privileged: boolean;
    readonly readOnlyRootFilesystem: boolean;
    readonly runAsNonRoot: boolean;
    readonly runAsUser: number;
    readonly runAsGroup: number;
  };
  readonly resources: { readonly limits: { readonly cpu: string; readonly memory: string } };
  readonly volumeMounts: readonly (Named & { readonly mountPath: string; readonly readOnly?: boolean })[];
}
interface Pod {
  readonly hostPID: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly PodContainer[];
  readonly initContainers: readonly PodContainer[];
  readonly volumes: readonly Named[];
}
/** The parts of a task definition: ECS API, RegisterTaskDefinition. */
interface TaskContainer extends Named {
  readonly user: string;
  readonly privileged?: boolean;
  readonly readonlyRootFilesystem: boolean;
  readonly memory: number;
  readonly stopTimeout: number;
  readonly entryPoint: readonly string[];
  readonly command: readonly string[];
  readonly environment: readonly Named[];
  readonly linuxParameters: { readonly capabilities: Capabilities };
  readonly ulimits: readonly { readonly hardLimit: number }[];
  readonly mountPoints: readonly {
    readonly sourceVolume: string;
    readonly containerPath: string;
    readonly readOnly?: boolean;
  }[];
}
interface Task {
  readonly requiresCompatibilities: readonly string[];
  readonly pidMode: string;
  readonly cpu: string;
  readonly memory: string;
  readonly volumes: readonly Named[];
  readonly containerDefinitions: readonly TaskContainer[];
}

const called = <T extends Named>(all: readonly T[], wanted: string): T => {
  const found = all.find(({ name }) => name === wanted);
  if (found === undefined) throw new Error(`nothing is called ${wanted}`);
  return found;
};

// The CDK brings a reader along; the manifest has nothing that YAML 1.1 and 1.2 read differently.
const yaml: { parseAllDocuments(text: string): { errors: unknown[]; toJSON(): unknown }[] } = createRequire(
  createRequire(import.meta.url).resolve("aws-cdk-lib"),
)("yaml");
const documents = yaml.parseAllDocuments(read("kubernetes-daemonset.yaml")).map((document) => {
  deepEqual(document.errors, []);
  return document.toJSON() as { kind: string; spec: { template: { spec: Pod } } };
});
const daemonSet = documents.find(({ kind }) => kind === "DaemonSet");
if (daemonSet === undefined) throw new Error("the manifest has no DaemonSet");
const pod = daemonSet.spec.template.spec;
const podContainer = called(pod.containers, "collector");
const task: Task = JSON.parse(read("ecs-task-definition.json"));
const taskContainer = called(task.containerDefinitions, "collector");

test("the unit gives two capabilities and no way to more", () => {
  deepEqual(capabilities, ["SYS_PTRACE", "DAC_READ_SEARCH"]);
  equal(only("AmbientCapabilities"), only("CapabilityBoundingSet"));
  equal(only("NoNewPrivileges"), "yes");
  equal(only("ProtectSystem"), "strict");
  equal(only("User"), "tidemark");
});

test("the unit is one that systemd understands, and exposes little by its own measure", {
  skip: missing("systemd-analyze"),
}, () => {
  // verify looks whether the programs are there: on the machine that builds they are not.
  const place = join(newFolder(), "tidemark-collector.service");
  const text = read("tidemark-collector.service")
    .replace(/=(\+?)\/usr\/lib\/tidemark\/\S+/g, "=$1/bin/true")
    .replace(/^Documentation=.*\n/m, "");
  writeFileSync(place, text);
  const verify = spawnSync("systemd-analyze", ["verify", "--man=no", place], { encoding: "utf8" });
  equal(verify.stderr, "");
  equal(verify.status, 0);
  const { stdout } = spawnSync("systemd-analyze", ["security", "--no-pager", "--offline=true", place], { encoding: "utf8" });
  const [, exposure] = /Overall exposure level[^:]*: ([\d.]+)/.exec(stdout) ?? [];
  ok(Number(exposure) <= EXPOSURE_MAX, `${exposure}`);
});

/** 2.0 with systemd 252; what is left are the two capabilities, the network, and that it sees all processes. */
const EXPOSURE_MAX = 2.2;

test("ECS: the same capabilities, folders and limits, the host's processes, and nothing more", () => {
  deepEqual(task.requiresCompatibilities, ["EC2"]);
  equal(task.pidMode, "host");
  deepEqual(taskContainer.linuxParameters.capabilities, { drop: ["ALL"], add: capabilities });
  equal(taskContainer.privileged, false);
  equal(taskContainer.readonlyRootFilesystem, true);
  equal(taskContainer.memory, memoryMib);
  equal(Number(task.memory), memoryMib);
  equal(Number(task.cpu), Math.round(cpuShare * 1_024));
  equal(taskContainer.stopTimeout, stopSeconds);
  equal(taskContainer.ulimits[0]?.hardLimit, Number(only("LimitNOFILE")));
  match(taskContainer.user, /^[1-9]\d*:[1-9]\d*$/);
  deepEqual(
    taskContainer.mountPoints.filter(({ readOnly }) => readOnly !== true).map(({ containerPath }) => containerPath),
    [stateFolder, "/run/tidemark"],
  );
  for (const { mountPoints } of task.containerDefinitions)
    for (const { sourceVolume } of mountPoints)
      ok(
        task.volumes.some(({ name }) => name === sourceVolume),
        sourceVolume,
      );
});

test("Kubernetes: the same capabilities, folders and limits, the host's processes, and nothing more", () => {
  equal(pod.hostPID, true);
  deepEqual(podContainer.securityContext.capabilities, { drop: ["ALL"], add: capabilities });
  equal(podContainer.securityContext.privileged, false);
  equal(podContainer.securityContext.readOnlyRootFilesystem, true);
  equal(podContainer.securityContext.runAsNonRoot, true);
  equal(podContainer.resources.limits.memory, `${memoryMib}Mi`);
  equal(podContainer.resources.limits.cpu, `${cpuShare * 1_000}m`);
  equal(pod.terminationGracePeriodSeconds, stopSeconds);
  equal(`${podContainer.securityContext.runAsUser}:${podContainer.securityContext.runAsGroup}`, taskContainer.user);
  deepEqual(
    podContainer.volumeMounts.filter(({ readOnly }) => readOnly !== true).map(({ mountPath }) => mountPath),
    [stateFolder, "/run/tidemark"],
  );
  for (const { volumeMounts } of [...pod.initContainers, ...pod.containers])
    for (const { name: mounted } of volumeMounts)
      ok(
        pod.volumes.some(({ name }) => name === mounted),
        mounted,
      );
});

test("what prepares a host's folders does so for the user that comes after, and starts although its file has capabilities", () => {
  const prepare = called(pod.initContainers, "prepare");
  const prepareTask = called(task.containerDefinitions, "prepare");
  deepEqual([...prepareTask.entryPoint, ...prepareTask.command], prepare.command);
  equal(prepare.command[2], String(podContainer.securityContext.runAsUser));
  // A file whose capabilities are not all in the bounding set cannot be executed (EPERM): man 7 capabilities.
  for (const { add } of [prepare.securityContext.capabilities, prepareTask.linuxParameters.capabilities])
    deepEqual(add, ["CHOWN", ...capabilities]);
  const dockerfile = read("Dockerfile");
  const inFile = capabilities.map((name) => `cap_${name.toLowerCase()}`).join(",");
  equal(dockerfile.match(new RegExp(`setcap ${inFile}\\+ep`, "g"))?.length, 2);
  const start = only("ExecStart").split(" ").slice(0, -2);
  ok(
    dockerfile.includes(`ENTRYPOINT ${JSON.stringify(start).replaceAll(",", ", ")}`),
    "the image starts as the unit does, but for the file",
  );
  match(dockerfile, new RegExp(`^USER ${taskContainer.user}$`, "m"));
});

test("settings that the manifests and the configuration name are settings", () => {
  const named = [...podContainer.env, ...taskContainer.environment].map(({ name }) => name);
  const inFile = Array.from(read("collector.conf").matchAll(/^#?([A-Z][A-Z_]+)=/gm), ([, name = ""]) => name);
  ok(inFile.length >= 2);
  for (const name of [...named, ...inFile]) ok(name === "AWS_REGION" || isSettingName(name), name);
});
