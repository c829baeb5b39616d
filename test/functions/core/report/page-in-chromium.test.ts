// Opens the report in a real browser, at the width of a phone and of a desktop, in light and dark: is it seen, read, quiet?
// It leaves what the page says to page.test.ts. Without Chromium it is skipped with the reason; where CI is set it fails.
import { deepEqual, equal, ok } from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import type { ReportModel } from "../../../../functions/core/report/model.ts";
import { renderReport } from "../../../../functions/core/report/page.ts";
import {
  type ChartMeasure,
  countActive,
  measureCharts,
  measureOverflow,
  measureTexts,
  type TextMeasure,
  visibleText,
} from "./in-page.ts";
import { calmModel, findings, hostileModel, reportModel } from "./models.ts";

const executablePath = [
  process.env["CHROMIUM_PATH"],
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => path !== undefined && existsSync(path));
const skip =
  executablePath === undefined && process.env["CI"] === undefined
    ? "no Chromium: set CHROMIUM_PATH or install one to /usr/bin; the look of the report was NOT tested"
    : false;

/** A browser's own errands (updates, sync, QUIC) are no part of the test, and some sandboxes end it for them. */
const launchArguments = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const phone = { width: 390, height: 844 };
const desktop = { width: 1200, height: 900 };
const schemes = ["light", "dark"] as const;
/** WCAG 2.2, success criterion 1.4.3, level AA. */
const contrastMin = 4.5;
const fontPxMin = 10;

let browser: Promise<Browser> | undefined;
const folder = mkdtemp(join(tmpdir(), "tidemark-report-"));
after(async () => {
  await (await browser)?.close();
  await rm(await folder, { recursive: true });
});

interface Visit {
  readonly page: Page;
  /** What the page did besides showing itself: messages, errors, dialogs, requests for anything else. */
  readonly noises: readonly string[];
}

async function open(model: ReportModel, viewport: typeof phone, colorScheme: (typeof schemes)[number]): Promise<Visit> {
  ok(executablePath !== undefined, "CI is set, but there is no Chromium to test with: set CHROMIUM_PATH");
  browser ??= chromium.launch({ executablePath, args: launchArguments });
  const page = await (await browser).newPage({ viewport, colorScheme });
  const path = join(await folder, "report.html");
  await writeFile(path, await renderReport(model));
  const url = pathToFileURL(path).href;
  const noises: string[] = [];
  page.on("console", (message) => noises.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => noises.push(`error: ${error.message}`));
  page.on("request", (request) => request.url() === url || noises.push(`request: ${request.url()}`));
  page.on("dialog", (dialog) => {
    noises.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(url);
  // What a reader can unfold is held to the same measures as the rest; folded, it has no place to be measured at.
  await page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true");
  return { page, noises };
}

/** Checks a measure of a page in both widths and both schemes. */
async function inEveryView(model: ReportModel, check: (visit: Visit, view: string) => Promise<void>) {
  for (const viewport of [phone, desktop]) {
    for (const scheme of schemes) {
      const visit = await open(model, viewport, scheme);
      await check(visit, `${viewport.width} px, ${scheme}`);
      deepEqual(visit.noises, [], `${viewport.width} px, ${scheme}`);
      await visit.page.close();
    }
  }
}

test("the page fits its window and is quiet: no overflow, no message, no request but itself", { skip }, async () => {
  for (const model of [reportModel(), calmModel]) {
    await inEveryView(model, async ({ page }, view) => equal(await page.evaluate(measureOverflow), 0, view));
  }
});

test("every chart is drawn, within its card", { skip }, async () => {
  await inEveryView(reportModel(), async ({ page }, view) => {
    const charts = await page.evaluate<readonly ChartMeasure[]>(measureCharts);
    equal(charts.length, 9, view);
    for (const chart of charts) {
      const about = `${view}: ${JSON.stringify(chart)}`;
      ok(chart.width >= 300 && chart.width <= 560 && chart.height >= 20, about);
      ok(chart.shapeCount >= (chart.label.startsWith("Memory over") ? 8 : 4), about);
      deepEqual(chart.textOutside, [], about);
    }
  });
});

test("every text is large enough to read and stands out from what lies behind it", { skip }, async () => {
  await inEveryView(reportModel(), async ({ page }, view) => {
    const texts = await page.evaluate<readonly TextMeasure[]>(measureTexts);
    ok(texts.length > 200, `${view}: only ${texts.length} texts`);
    deepEqual(
      texts.filter((text) => text.renderedPx < fontPxMin),
      [],
      view,
    );
    deepEqual(
      texts.filter((text) => text.contrast === null || text.contrast < contrastMin),
      [],
      view,
    );
  });
});

test("the texts of the findings are visible", { skip }, async () => {
  await inEveryView(reportModel(), async ({ page }, view) => {
    const text = await page.evaluate<string>(visibleText);
    for (const finding of findings) {
      ok(text.includes(finding.service) && text.includes(finding.evidence), `${view}: ${finding.finding_id}`);
    }
  });
});

test("a link of a finding brings its process into view", { skip }, async () => {
  const { page, noises } = await open(reportModel(), phone, "light");
  await page.click('.finding a[href="#process-2"]');
  const top = await page.evaluate<number>('document.querySelector("#process-2").getBoundingClientRect().top');
  ok(top >= -1 && top < phone.height / 2, `the card is ${top} px below the top`);
  deepEqual(noises, []);
  await page.close();
});

test("hostile names run nothing, load nothing and do not widen the page", { skip }, async () => {
  await inEveryView(hostileModel, async ({ page }, view) => {
    equal(await page.evaluate(countActive), 0, view);
    equal(await page.evaluate(measureOverflow), 0, view);
    ok((await page.evaluate<string>(visibleText)).includes("<script>alert(1)</script>"), view);
  });
});
