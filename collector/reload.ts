// What a second reading of the settings changes while the collector runs, and what has to wait for its next start. Pure.
// Reading is config.ts's; main.ts puts it into effect.
import { type SettingName, type SettingValues, settingNames, settingOf } from "./settings.ts";
import { shown } from "./settings-text.ts";

export interface Reload {
  /** What is in effect from now on. */
  readonly values: SettingValues;
  /** `TIDEMARK_TICK_MS 10000 -> 5000`, one entry a setting. */
  readonly changed: readonly string[];
  /** The same for those that stay as they were until a restart. */
  readonly needRestart: readonly string[];
}

export function reloadOf(inEffect: SettingValues, read: SettingValues): Reload {
  const different = settingNames.filter((name) => inEffect[name] !== read[name]);
  const [applies, needRestart] = [different.filter((name) => mayApply(name)), different.filter((name) => !mayApply(name))];
  const line = (name: SettingName) => `${name} ${shown(inEffect[name])} -> ${shown(read[name])}`;
  return {
    values: { ...inEffect, ...Object.fromEntries(applies.map((name) => [name, read[name]])) },
    changed: applies.map(line),
    needRestart: needRestart.map(line),
  };

  function mayApply(name: SettingName): boolean {
    // The spool's place follows from the kind of destination, and the SDK is loaded or not.
    const isOtherKind = (inEffect.TIDEMARK_FIREHOSE_STREAM === null) !== (read.TIDEMARK_FIREHOSE_STREAM === null);
    const isDestination = name === "TIDEMARK_FIREHOSE_STREAM" || name === "TIDEMARK_DELIVERY_FOLDER";
    return settingOf(name).whenReloaded === "applies" && !(isDestination && isOtherKind);
  }
}
