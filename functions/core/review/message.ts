// A review as a mail, as Slack blocks and on the terminal: what happened, what to change, and where the page is.
// Sentences are words.ts's; the page is page.ts's.
import type { Message } from "../../edges.ts";
import { firstStepOf } from "../advice/first-step.ts";
import { visibleText } from "../report/text.ts";
import { code, context, divider, fields, header, link, section } from "../slack/blocks.ts";
import { formatBytes, formatCountOf } from "../units.ts";
import type { Change, ReviewModel } from "./model.ts";
import { spanText } from "./span.ts";
import {
  blindSpots,
  capital,
  churnText,
  differs,
  earlierText,
  failuresText,
  hasFailed,
  hostTroubleText,
  keptText,
  staysUp,
  verdictOf,
  whoText,
  worseText,
} from "./words.ts";

/** A mail names so many of each; the page has more, the queries all. */
const LINES_MAX = 12;
/** Slack: what fits on a screen. */
const SLACK_CHANGES_MAX = 3;
/** Limit of SNS e-mail subjects. */
const SUBJECT_LENGTH_MAX = 99;

/** `page` is where people find it: an address, or the key in the lake. */
export function reviewMessage(model: ReviewModel, page: string): Message {
  const { kind, sentence } = verdictOf(model);
  const url = link("Open the review", page);
  return {
    topic: "reports",
    subject: `Tidemark: ${model.title}`.replace(/[^\x20-\x7e]/g, "?").slice(0, SUBJECT_LENGTH_MAX),
    text: reviewText(model, page),
    slack: [
      header(model.title),
      section(sentence),
      fields(sums(model)),
      ...model.changes
        .slice(0, SLACK_CHANGES_MAX)
        .flatMap((change, index) => [
          section(`${index + 1}. ${changeLine(change)}`),
          ...(change.recommendation.setting === "" ? [] : [code(change.recommendation.setting)]),
        ]),
      divider(),
      ...(url === null ? [] : [url]),
      context([...blindSpots(model).slice(0, 3), ...(url === null ? [`The page: ${page}`] : [])].slice(0, 4)),
    ].filter((block) => block["elements"] === undefined || (block["elements"] as readonly unknown[]).length > 0),
    attributes: { kind: "review", severity: kind === "found" ? "held" : "notice" },
  };
}

/** Paragraphs, each with a heading where it has one; nothing that is empty. */
export function reviewText(model: ReviewModel, page: string): string {
  const { services } = model;
  const failing = services.filter(({ failures }) => failuresText(failures) !== "");
  const hosts = model.hostTroubles.filter(({ trouble }) => trouble !== "silent" && trouble !== "gap");
  return [
    `${model.title}\n${spanText(model.peak)}`,
    verdictOf(model).sentence,
    ...(services.length === 0
      ? []
      : [
          sums(model)
            .map(([name, value]) => `${name}: ${value}`)
            .join("\n"),
        ]),
    ...paragraph(
      "What to change before the next one",
      model.changes.map((change, index) => `${index + 1}. ${changeLine(change)}`),
    ),
    ...paragraph("What failed", [
      ...failing.map((service) => `- ${whoText(service)}: ${failuresText(service.failures)}`),
      ...hosts.map((trouble) => `- ${hostTroubleText(trouble)}`),
    ]),
    ...paragraph(
      "Who kept memory",
      services.filter(staysUp).map((service) => `- ${whoText(service)}: ${keptText(service)}`),
    ),
    ...paragraph(
      "Versions that hold more",
      model.worseVersions.map((worse) => `- ${worseText(worse)}`),
    ),
    ...model.against.flatMap(({ span, hasRows }, index) =>
      hasRows ? paragraph(`Against ${spanText(span)}`, earlierLines(model, index)) : [],
    ),
    ...paragraph(
      "Restarted or scaled within it",
      services.flatMap((service) => {
        const churn = churnText(service);
        return churn === null ? [] : [`- ${whoText(service)}: ${churn}`];
      }),
    ),
    ...paragraph(
      "What could not be seen",
      blindSpots(model).map((spot) => `- ${spot}`),
    ),
    `The page: ${page}`,
  ]
    .join("\n\n")
    .split("\n")
    .map(visibleText)
    .join("\n");
}

/** Only where it went otherwise; the page has the table of all. */
function earlierLines({ services }: ReviewModel, index: number): readonly string[] {
  const pairs = services.flatMap((service) => {
    const then = service.earlier[index] ?? null;
    return then === null ? [] : [{ service, then }];
  });
  const changed = pairs.filter(({ service, then }) => differs(service, then));
  const same = pairs.length - changed.length;
  return [
    ...changed.map(({ service, then }) => `- ${whoText(service)}: ${earlierText(service, then)}`),
    ...(same > 0 ? [`- ${formatCountOf(same, "service", "services")} much as then`] : []),
  ];
}

/** Sums over the services, before, at and after the peak. */
export function sums({ services }: ReviewModel): readonly (readonly [string, string])[] {
  const sum = (at: "before" | "peak" | "after") => {
    const known = services.map(({ rss }) => rss[at]).filter((bytes) => bytes !== null);
    return formatBytes(known.length === 0 ? null : known.reduce((all, bytes) => all + bytes, 0));
  };
  const kept = services.filter(staysUp).reduce((all, service) => all + (service.kept?.bytes ?? 0), 0);
  return [
    ["Memory before", sum("before")],
    ["at the peak", sum("peak")],
    ["after", sum("after")],
    ["Stayed", kept > 0 ? formatBytes(kept) : "nothing to speak of"],
    ["Failed", formatCountOf(services.filter(({ failures }) => hasFailed(failures)).length, "service", "services")],
  ];
}

const changeLine = (change: Change): string =>
  `${whoText(change)}: ${capital(firstStepOf({ recommendations: [change.recommendation], notAdvised: [] }) ?? "")}`;

function paragraph(heading: string, lines: readonly string[]): readonly string[] {
  if (lines.length === 0) return [];
  const more = lines.length - LINES_MAX;
  return [[`${heading}:`, ...lines.slice(0, LINES_MAX), ...(more > 0 ? [`and ${more} more on the page`] : [])].join("\n")];
}
