// Small valid samples for tests that are about something else.
import {
  type CollectorSample,
  type DetailSample,
  type HostIdentity,
  type HostSample,
  noSamples,
  type ProcessSample,
  type Samples,
} from "../../schema/columns.ts";

export const hostIdentity: HostIdentity = { host_id: "i-0abc", boot_id: "11111111-2222", host_name: "web-1" };

export const processSample = (values: Partial<ProcessSample> = {}): ProcessSample => ({
  sampled_at: 1_800_000_000_000,
  sequence: 1,
  pid: 100,
  process_key: "11111111-100-5",
  service: "checkout",
  ...values,
});

export const hostSample = (values: Partial<HostSample> = {}): HostSample => ({
  sampled_at: 1_800_000_000_000,
  sequence: 2,
  ...values,
});

export const collectorSample = (values: Partial<CollectorSample> = {}): CollectorSample => ({
  sampled_at: 1_800_000_000_000,
  sequence: 3,
  ...values,
});

export const detailSample = (values: Partial<DetailSample> = {}): DetailSample => ({
  sampled_at: 1_800_000_000_000,
  sequence: 4,
  pid: 100,
  process_key: "11111111-100-5",
  service: "checkout",
  event: "death",
  event_at: 1_800_000_000_000,
  ...values,
});

export const samples = (values: Partial<Samples> = {}): Samples => ({ ...noSamples, ...values });
