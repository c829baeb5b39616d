// What every page is held to, opened from a file at two widths, in light and dark: quiet, fitting, readable, reachable, printable.
// What a page says is its own tests'. Axe brings the rules for names, roles and landmarks.
import { deepEqual, equal, ok } from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Page } from "playwright-core";
import type { Pages, View } from "./browser.ts";
import {
  active,
  type Focus,
  focusNow,
  type Heading,
  hardToRead,
  headings,
  markReachable,
  openDetails,
  overflow,
  printState,
} from "./in-page.ts";

const desktop = { width: 1_280, height: 900 };
const phone = { width: 390, height: 844 };
export const views: readonly View[] = [desktop, phone].flatMap((size) =>
  (["light", "dark"] as const).map((scheme) => ({ ...size, scheme })),
);

/** DIN A4 at 96 px an inch, within margins of 1 cm. */
const paper = { width: 718, height: 1_047 };
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export async function checkPage(pages: Pages, name: string, html: string): Promise<void> {
  for (const view of views) {
    const about = `${name}, ${view.width} px, ${view.scheme}`;
    const { page, noises } = await pages.open(html, view);
    await takePicture(page, `${name}-${view.width}-${view.scheme}`);
    checkHeadings(await page.evaluate<readonly Heading[]>(headings), about);
    deepEqual(await page.evaluate(active), [], `${about}: something could run or load`);
    equal(await page.evaluate(overflow), null, about);
    await checkKeyboard(page, about);
    await page.evaluate(openDetails);
    // What a reader can unfold is held to the same as the rest; folded, it has no place to be measured at.
    equal(await page.evaluate(overflow), null, `${about}, unfolded`);
    deepEqual(await page.evaluate(hardToRead), [], about);
    deepEqual(await violations(page), [], about);
    deepEqual(noises, [], about);
    await page.close();
  }
  await checkPrint(pages, name, html);
}

/** One h1, first; no level is left out on the way down; none is empty. */
function checkHeadings(found: readonly Heading[], about: string): void {
  equal(found.filter(({ level }) => level === 1).length, 1, `${about}: ${JSON.stringify(found)}`);
  let before = 0;
  for (const { level, text } of found) {
    ok(text !== "", `${about}: an empty heading of level ${level}`);
    ok(level <= before + 1, `${about}: h${level} "${text}" follows h${before}`);
    before = level;
  }
}

/** Tab reaches every link and fold in the order of the page, each in view and with a focus that is seen. */
async function checkKeyboard(page: Page, about: string): Promise<void> {
  const count = await page.evaluate<number>(markReachable);
  for (let index = 0; index < count; index++) {
    await page.keyboard.press("Tab");
    const focus = await page.evaluate<Focus | null>(focusNow);
    equal(focus?.index, index, `${about}: Tab ${index + 1} of ${count} is at ${focus?.what}`);
    ok(focus?.isVisible, `${about}: the focus is not seen at ${focus?.what}`);
    ok(focus?.isInView, `${about}: out of view: ${focus?.what}`);
  }
  const summaries = await page.locator("summary").count();
  if (summaries === 0) return;
  await page.locator("summary").first().focus();
  const wasOpen = await page.evaluate("document.activeElement.parentElement.open");
  await page.keyboard.press("Enter");
  equal(await page.evaluate("document.activeElement.parentElement.open"), !wasOpen, `${about}: Enter does not turn a fold`);
}

async function violations(page: Page): Promise<readonly string[]> {
  // As a debugger would, past the page's own policy, which forbids scripts.
  await page.evaluate(axeSource);
  const run = `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map((node) => id + ": " + node.html.slice(0, 160) + " " + (node.failureSummary ?? "").slice(0, 300))))`;
  return page.evaluate<readonly string[]>(run);
}

async function checkPrint(pages: Pages, name: string, html: string): Promise<void> {
  const { page, noises } = await pages.open(html, { ...paper, scheme: "dark" });
  await page.emulateMedia({ media: "print" });
  const { tooWide, text } = await page.evaluate<{ tooWide: number; text: number }>(printState);
  ok(tooWide <= 0, `${name}, on paper: ${tooWide} px too wide`);
  ok(text > 0, `${name}, on paper: empty`);
  // Whoever reads in the dark prints on white all the same.
  deepEqual(await page.evaluate(hardToRead), [], `${name}, on paper`);
  await takePicture(page, `${name}-print`);
  const pdf = await page.pdf({ format: "A4", printBackground: false });
  ok(pdf.byteLength > 1_000 && pdf.subarray(0, 5).toString() === "%PDF-", name);
  deepEqual(noises, [], name);
  await page.close();
}

/** For people: TIDEMARK_PICTURES names the folder. */
async function takePicture(page: Page, name: string): Promise<void> {
  const folder = process.env["TIDEMARK_PICTURES"];
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
