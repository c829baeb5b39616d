// Which name a host has, on EC2 and elsewhere.
import { deepEqual, equal, match } from "node:assert/strict";
import { test } from "node:test";
import { type HostFiles, hostIdOf, learnInstance, readHostIdentity } from "../../../collector/identity/host.ts";

const INSTANCE_ID = "i-0123456789abcdef0";
const MACHINE_ID = "0123456789abcdef0123456789abcdef";
const ec2: HostFiles = { vendor: "Amazon EC2", assetTag: INSTANCE_ID, machineId: MACHINE_ID, hostName: "web-1" };

test("the id is the firmware's on Nitro, else the machine id, else the name", () => {
  const cases: readonly (readonly [Partial<HostFiles>, string])[] = [
    [{}, INSTANCE_ID],
    [{ vendor: "Xen", assetTag: "" }, MACHINE_ID],
    [{ vendor: "Dell Inc." }, MACHINE_ID],
    [{ assetTag: "Amazon EC2" }, MACHINE_ID],
    [{ assetTag: `${INSTANCE_ID}\u001b` }, MACHINE_ID],
    [{ vendor: "", assetTag: "", machineId: "uninitialized" }, "web-1"],
    [{ vendor: "", assetTag: "", machineId: "" }, "web-1"],
  ];
  for (const [files, id] of cases) equal(hostIdOf({ ...ec2, ...files }), id);
});

test("what the instance says goes into the host's identity; its id only while no row has another", () => {
  const instance = {
    instanceId: INSTANCE_ID,
    account_id: "123456789012",
    region: "us-east-1",
    zone: "us-east-1b",
    instance_type: "m7g.large",
    autoscaling_group: "checkout",
    instance_name: null,
  };
  const { instanceId, ...columns } = instance;
  const before = { host_id: MACHINE_ID, boot_id: "11111111-2222", host_name: "web-1" };
  const early = { ...before };
  learnInstance(early, instance, { hasRows: false });
  deepEqual(early, { ...before, ...columns, host_id: instanceId });
  const late = { ...before };
  learnInstance(late, instance, { hasRows: true });
  deepEqual(late, { ...before, ...columns });
});

test("this machine has a name, a boot and a version", () => {
  const { host_id, boot_id, host_name, collector_version } = readHostIdentity();
  match(boot_id, /^[0-9a-f-]{36}$/);
  equal([host_id, host_name, collector_version].every(Boolean), true);
});
