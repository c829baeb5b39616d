// Opens the report in a real browser, at the width of a phone and of a desktop, in light and dark: are its charts drawn, its texts seen?
// What every page is held to is test/pages'. Without Chromium it is skipped with the reason; where CI is set it fails.
import { deepEqual, equal, ok } from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { ReportModel } from "../../../../functions/core/report/model.ts";
import { renderReport } from "../../../../functions/core/report/page.ts";
import { noBrowser, type Pages, startBrowser, type Tab } from "../../../pages/browser.ts";
import { views } from "../../../pages/check-page.ts";
import { openDetails } from "../../../pages/in-page.ts";
import { type ChartMeasure, measureCharts, visibleText } from "./in-page.ts";
import { findings, hostileModel, reportModel } from "./models.ts";

const skip = noBrowser;

describe("the report in Chromium", { skip }, () => {
  let browser: Pages;
  before(async () => {
    browser = await startBrowser();
  });
  after(() => browser[Symbol.asyncDispose]());

  /** Checks the page in both widths and both schemes, unfolded: folded, a chart has no place to be measured at. */
  async function inEveryView(model: ReportModel, check: (tab: Tab, about: string) => Promise<void>) {
    const html = await renderReport(model);
    for (const view of views) {
      const tab = await browser.open(html, view);
      await tab.page.evaluate(openDetails);
      await check(tab, `${view.width} px, ${view.scheme}`);
      await tab.page.close();
    }
  }

  test("every chart is drawn, within its card", async () => {
    await inEveryView(reportModel(), async ({ page }, about) => {
      const charts = await page.evaluate<readonly ChartMeasure[]>(measureCharts);
      equal(charts.length, 9, about);
      for (const chart of charts) {
        const which = `${about}: ${JSON.stringify(chart)}`;
        ok(chart.width >= 300 && chart.width <= 560 && chart.height >= 20, which);
        ok(chart.shapeCount >= (chart.label.startsWith("Memory over") ? 8 : 4), which);
        deepEqual(chart.textOutside, [], which);
      }
    });
  });

  test("the texts of the findings are visible", async () => {
    await inEveryView(reportModel(), async ({ page }, about) => {
      const text = await page.evaluate<string>(visibleText);
      for (const finding of findings) {
        ok(text.includes(finding.service) && text.includes(finding.evidence), `${about}: ${finding.finding_id}`);
      }
    });
  });

  test("a link of a finding brings its process into view", async () => {
    const [phone] = views.filter(({ width }) => width < 500);
    ok(phone);
    const { page, noises } = await browser.open(await renderReport(reportModel()), phone);
    await page.evaluate(openDetails);
    await page.click('.finding a[href="#process-2"]');
    const top = await page.evaluate<number>('document.querySelector("#process-2").getBoundingClientRect().top');
    ok(top >= -1 && top < phone.height / 2, `the card is ${top} px below the top`);
    deepEqual(noises, []);
    await page.close();
  });

  test("a hostile name is seen as the text that it is", async () => {
    await inEveryView(hostileModel, async ({ page }, about) => {
      ok((await page.evaluate<string>(visibleText)).includes("<script>alert(1)</script>"), about);
    });
  });
});
