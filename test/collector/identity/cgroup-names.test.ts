// Names in cgroup paths as each engine, with either driver and in either version of cgroups, writes them.
import { deepEqual } from "node:assert/strict";
import { test } from "node:test";
import { namesInCgroup } from "../../../collector/identity/cgroup-names.ts";
import { fixture } from "../../support/fixtures.ts";

const ID = "4f1c".repeat(16);
const OUTER = "0a9b".repeat(16);
const TASK = "8f03e41243824aea923aca126495f665";
const UID = "3f2b8c1e-9d4a-4c6b-8e2f-5a7d9c0b1e3f";
const UID_UNDERSCORED = UID.replaceAll("-", "_");
const STATIC_UID = "b3a1f6d2c4e58790a1b2c3d4e5f60718";

const v1 = (path: string, systemd = path) =>
  `12:pids:${path}\n11:memory:${path}\n2:cpu,cpuacct:${path}\n1:name=systemd:${systemd}\n0::/system.slice/containerd.service\n`;

type Names = readonly [container_id: string | null, pod_uid: string | null, unit: string | null];

const cases: readonly (readonly [what: string, text: string, names: Names])[] = [
  ["docker, v2, systemd driver", `0::/system.slice/docker-${ID}.scope\n`, [ID, null, null]],
  ["docker, v2, cgroupfs driver", `0::/docker/${ID}\n`, [ID, null, null]],
  ["docker, v1", v1(`/docker/${ID}`), [ID, null, null]],
  ["podman, root", `0::/machine.slice/libpod-${ID}.scope/container\n`, [ID, null, null]],
  [
    "podman, rootless",
    `0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope/container\n`,
    [ID, null, null],
  ],
  ["podman's monitor is not in the container", `0::/machine.slice/libpod-conmon-${ID}.scope\n`, [null, null, null]],
  ["CRI-O's monitor", `0::/system.slice/crio-conmon-${ID}.scope\n`, [null, null, null]],
  [
    "containerd, v2, systemd driver",
    `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_UNDERSCORED}.slice/cri-containerd-${ID}.scope\n`,
    [ID, UID, null],
  ],
  [
    "guaranteed pods have no class",
    `0::/kubepods.slice/kubepods-pod${UID_UNDERSCORED}.slice/cri-containerd-${ID}.scope\n`,
    [ID, UID, null],
  ],
  ["containerd, v1, cgroupfs driver", v1(`/kubepods/burstable/pod${UID}/${ID}`), [ID, UID, null]],
  [
    "containerd that was told the wrong driver",
    `0::/system.slice/containerd.service/kubepods-besteffort-pod${UID_UNDERSCORED}.slice:cri-containerd:${ID}\n`,
    [ID, UID, null],
  ],
  [
    "CRI-O, v2",
    `0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${UID_UNDERSCORED}.slice/crio-${ID}.scope/container\n`,
    [ID, UID, null],
  ],
  ["a static pod", `0::/kubepods/burstable/pod${STATIC_UID}/${ID}\n`, [ID, STATIC_UID, null]],
  [
    "kind: a pod in a container",
    `0::/docker/${OUTER}/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod${UID_UNDERSCORED}.slice/cri-containerd-${ID}.scope\n`,
    [ID, UID, null],
  ],
  [
    "seen from a sibling's namespace",
    `0::/../../kubepods-pod${UID_UNDERSCORED}.slice/cri-containerd-${ID}.scope\n`,
    [ID, UID, null],
  ],
  ["ECS on EC2, v1", v1(`/ecs/${TASK}/${ID}`), [ID, null, null]],
  ["ECS on EC2, v2", `0::/ecstasks.slice/ecstasks-${TASK}.slice/docker-${ID}.scope\n`, [ID, null, null]],
  ["ECS on Fargate", v1(`/ecs/${TASK}/${TASK}-2495160603`), [`${TASK}-2495160603`, null, null]],
  ["systemd within a container", `0::/system.slice/docker-${ID}.scope/system.slice/nginx.service\n`, [ID, null, "nginx"]],
  ["a unit", "0::/system.slice/nginx.service\n", [null, null, "nginx"]],
  ["a unit, v1", "4:memory:/system.slice/nginx.service\n1:name=systemd:/system.slice/nginx.service\n", [null, null, "nginx"]],
  ["a unit that divides itself", "0::/system.slice/cart.service/worker/3\n", [null, null, "cart"]],
  ["an instance with a name", "0::/system.slice/system-app.slice/app@checkout.service\n", [null, null, "app@checkout"]],
  ["one of many workers", "0::/system.slice/system-worker.slice/worker@12.service\n", [null, null, "worker"]],
  ["an escaped name", "0::/system.slice/foo\\x2dbar.service\n", [null, null, "foo-bar"]],
  ["a slice of its own", "0::/shop.slice/shop-cart.slice/cart.service\n", [null, null, "cart"]],
  ["systemd-run", "0::/system.slice/run-u42.service\n", [null, null, null]],
  ["systemd-run, older", `0::/system.slice/run-r${TASK}.service\n`, [null, null, null]],
  ["a unit that begins like that", "0::/system.slice/run-payments.service\n", [null, null, "run-payments"]],
  ["a login", "0::/user.slice/user-1000.slice/session-3.scope\n", [null, null, null]],
  ["a user's own unit", "0::/user.slice/user-1000.slice/user@1000.service/app.slice/foo.service\n", [null, null, null]],
  ["init", "0::/init.scope\n", [null, null, null]],
  ["the root", "0::/\n", [null, null, null]],
  ["digits that are no id", `0::/system.slice/x-${ID}a.scope\n`, [null, null, null]],
  ["nothing", "", [null, null, null]],
  ["nonsense", `docker ${ID}\n::\n\0\n0:/:`, [null, null, null]],
];

test("container, pod and unit are found in the paths of every engine, and in nothing else", () => {
  for (const [what, text, [container_id, pod_uid, unit]] of cases)
    deepEqual(namesInCgroup(text), { container_id, pod_uid, unit }, what);
  deepEqual(namesInCgroup(fixture("proc/cgroup")), { container_id: null, pod_uid: null, unit: null });
});

test("a long hostile path is read in no more than linear time", () => {
  const text = (length: number) => `0::/${"pod-".repeat(length)}${"a".repeat(length)}/${"@1".repeat(length)}.service\n`;
  for (const length of [10, 1_000, 50_000]) deepEqual(namesInCgroup(text(length)).pod_uid, null);
});
