// Every page of pages.ts in a real browser, and the rules themselves against pages that break them.
// Without Chromium it is skipped with the reason; where CI is set it fails.
import { rejects } from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { noBrowser, type Pages, startBrowser } from "./browser.ts";
import { checkPage } from "./check-page.ts";
import { pages } from "./pages.ts";

const skip = noBrowser;

describe("pages", { skip }, () => {
  let browser: Pages;
  before(async () => {
    browser = await startBrowser();
  });
  after(() => browser[Symbol.asyncDispose]());

  for (const [name, render] of Object.entries(pages)) {
    test(`${name}: quiet, fitting, readable, reachable by keyboard and printable, at both widths and in both schemes`, async () => {
      await checkPage(browser, name, await render());
    });
  }

  const sound = (body: string, style = "") =>
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>t</title><style>body{background:#fff;color:#000}${style}</style><body><main><h1>h</h1>${body}</main></body></html>`;

  test("a page without fault passes", () => checkPage(browser, "sound", sound('<p><a href="#x">x</a></p>')));

  for (const [fault, page, refusal] of [
    ["a message on the console", sound("<script>console.error('broken')</script>"), /console: broken/],
    ["a script that throws", sound("<script>nothing()</script>"), /error: nothing is not defined/],
    [
      "a request",
      sound("<style>body{background-image:url(http://127.0.0.1:9/x)}</style>"),
      /request: http:\/\/127\.0\.0\.1:9\/x/,
    ],
    ["an image", sound('<img alt="x" src="data:,">'), /could run or load/],
    ["an event handler", sound('<p onclick="x()">x</p>'), /could run or load/],
    ["a wide table", sound('<div style="width:2000px">x</div>'), /px: /],
    ["a wide fold", sound('<details><summary>s</summary><div style="width:2000px">x</div></details>'), /unfolded/],
    ["a pale text", sound("<p>pale</p>", "p{color:#888}"), /: pale on rgb/],
    ["a pale text in a fold", sound("<details><summary>s</summary><p>pale</p></details>", "p{color:#888}"), /: pale on rgb/],
    ["a tiny text", sound("<p>tiny</p>", "p{font-size:9px}"), /at 9\.0 px: tiny/],
    ["a heading left out", sound("<h3>x</h3>"), /h3 "x" follows h1/],
    ["two titles", sound("<h1>x</h1>"), /"level":1/],
    ["a focus that nobody sees", sound('<a href="#x">x</a>', "a:focus{outline:none}"), /the focus is not seen/],
    ["an order of its own", sound('<a href="#x">x</a> <a tabindex="1" href="#y">y</a>'), /Tab 1 of 2/],
    ["a chart without a name", sound('<svg role="img" width="10" height="10"></svg>'), /svg-img-alt/],
    ["too wide for paper", sound("<p>x</p>", "@media print{p{width:900px}}"), /on paper: \d+ px too wide/],
  ] as const) {
    test(`the rules find ${fault}`, () => rejects(checkPage(browser, "faulty", page), refusal));
  }
});
