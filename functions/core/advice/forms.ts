// Changes in the forms that people paste: environment, systemd, Dockerfile, ECS task, Kubernetes, command lines, sysctl.
// Values that others set already are kept, and are escaped for each form: they are strangers' words.
import { shellText } from "../shell-text.ts";
import { knobOf } from "./catalogue.ts";
import type { Change, Form } from "./remedy.ts";
import type { Settings } from "./tunables.ts";

/** A value that is set already and longer than this is not copied into a form. */
const KEPT_LENGTH_MAX = 1_024;

/** All forms of the changes, the plainest first. Changes in code have none: they bring theirs along. */
export function formsOf(changes: readonly Change[], settings: Settings): readonly Form[] {
  const variables = variablesOf(changes, settings);
  const sysctls = changes.flatMap(({ knob, value }) => {
    const { via } = knobOf(knob);
    return via.kind === "sysctl" ? [`${via.name} = ${value}`] : [];
  });
  return [
    ...environmentForms(variables),
    ...commandForms(changes),
    ...(sysctls.length === 0
      ? []
      : [
          { name: "sysctl", text: sysctls.map((line) => `sysctl -w ${line.replaceAll(" ", "")}`).join("\n") },
          { name: "/etc/sysctl.d/90-tidemark.conf", text: sysctls.join("\n") },
        ]),
    ...changes.flatMap(({ knob, value }): Form[] => {
      const { via } = knobOf(knob);
      if (via.kind === "sysfs") return [{ name: "until the next boot", text: `echo ${value} > ${via.path}` }];
      return via.kind === "platform" ? [{ name: via.field, text: value }] : [];
    }),
  ];
}

/** The variables that the changes make, with what they held already. */
export function variablesOf(changes: readonly Change[], settings: Settings): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  const kept = (name: string) => {
    const value = variables.get(name) ?? settings.variables.get(name) ?? "";
    return value.length <= KEPT_LENGTH_MAX && !/\p{C}/u.test(value) ? value : "";
  };
  for (const { knob, value } of changes) {
    const { via } = knobOf(knob);
    switch (via.kind) {
      case "environment":
        // The preloads that are there go on: one of them may be Tidemark's.
        variables.set(via.variable, via.variable === "LD_PRELOAD" ? withPreload(kept("LD_PRELOAD"), value) : value);
        break;
      case "glibc_tunable": {
        // The tunable counts before its alias, so that where it is set it has to change.
        const isSet = kept("GLIBC_TUNABLES").includes(`${via.name}=`);
        if (via.alias !== null && !isSet) variables.set(via.alias, value);
        else variables.set("GLIBC_TUNABLES", withPair(kept("GLIBC_TUNABLES"), ":", "=", via.name, value));
        break;
      }
      case "malloc_conf": {
        const name = settings.variables.has("_RJEM_MALLOC_CONF") ? "_RJEM_MALLOC_CONF" : "MALLOC_CONF";
        variables.set(name, withPair(kept(name), ",", ":", via.name, value));
        break;
      }
      case "jvm_flag":
        variables.set("JAVA_TOOL_OPTIONS", joined(kept("JAVA_TOOL_OPTIONS"), `${via.flag}${value}`));
        break;
      case "node_option":
        variables.set("NODE_OPTIONS", joined(kept("NODE_OPTIONS"), `${via.option}${value}`));
        break;
    }
  }
  return variables;
}

/** One line, for a sentence: the variables, or whatever else the changes are. Empty for changes in code. */
export function oneLine(changes: readonly Change[], settings: Settings): string {
  const [command] = commandForms(changes);
  if (command !== undefined) return command.text;
  const variables = variablesOf(changes, settings);
  if (variables.size > 0) return shellLine(variables);
  return formsOf(changes, settings)[0]?.text ?? "";
}

function environmentForms(variables: ReadonlyMap<string, string>): readonly Form[] {
  if (variables.size === 0) return [];
  const entries = [...variables];
  return [
    { name: "environment", text: shellLine(variables) },
    {
      name: "systemd, systemctl edit <service>",
      text: ["[Service]", ...entries.map(([name, value]) => `Environment="${systemdText(`${name}=${value}`)}"`)].join("\n"),
    },
    {
      name: "Dockerfile",
      text: entries.map(([name, value]) => `ENV ${name}="${value.replace(/["\\$]/g, "\\$&")}"`).join("\n"),
    },
    {
      name: "ECS task definition, environment",
      text: JSON.stringify(
        entries.map(([name, value]) => ({ name, value })),
        null,
        2,
      ),
    },
    {
      name: "Kubernetes container",
      // A JSON string is a YAML string; $(...) would be expanded by Kubernetes.
      text: [
        "env:",
        ...entries.flatMap(([name, value]) => [
          `  - name: ${name}`,
          `    value: ${JSON.stringify(value.replaceAll("$(", () => "$$("))}`,
        ]),
      ].join("\n"),
    },
  ];
}

function commandForms(changes: readonly Change[]): readonly Form[] {
  const flags: string[] = [];
  let command = "";
  for (const { knob, value } of changes) {
    const { via } = knobOf(knob);
    if (via.kind === "jvm_flag") flags.push(`${via.flag}${value}`);
    if (via.kind === "node_option") flags.push(`${via.option}${value}`);
    if (via.kind === "jvm_flag" || via.kind === "node_option") command = via.kind === "jvm_flag" ? "java" : "node";
  }
  return command === "" ? [] : [{ name: "command line", text: `${command} ${flags.join(" ")} ...` }];
}

const shellLine = (variables: ReadonlyMap<string, string>): string =>
  [...variables].map(([name, value]) => `${name}=${shellText(value)}`).join(" ");

/** In double quotes of a unit file: man 7 systemd.syntax; % is a specifier (man 5 systemd.unit). */
const systemdText = (text: string): string => text.replace(/["\\]/g, "\\$&").replaceAll("%", "%%");

const joined = (text: string, more: string): string => (text === "" ? more : `${text} ${more}`);

/** Allocators exclude each other, so that a new one takes the place of an old one; it stands before libraries that ask it. */
function withPreload(text: string, path: string): string {
  const isAllocator = (file: string) => /\/lib(jemalloc|tcmalloc|mimalloc)/.test(file);
  const files = text.split(/[\s:]+/).filter((file) => file !== "" && file !== path);
  return (isAllocator(path) ? [path, ...files.filter((file) => !isAllocator(file))] : [...files, path]).join(" ");
}

function withPair(text: string, between: string, within: string, name: string, value: string): string {
  const others = text.split(between).filter((pair) => pair !== "" && !pair.startsWith(`${name}${within}`));
  return [...others, `${name}${within}${value}`].join(between);
}
