// The tokenizer that judges pages, judged: it sees what breaks out, and agrees with a browser on what a page has.
// Without Chromium the second half is skipped; where CI is set it fails.
import { deepEqual, notDeepEqual, ok, throws } from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { chromium } from "playwright-core";
import { renderReport } from "../../functions/core/report/page.ts";
import { hostileModel, reportModel } from "../functions/core/report/models.ts";
import { skipReason } from "../support/need.ts";
import { tagsOf } from "./html-tags.ts";

const pageOf = (body: string) =>
  `<!doctype html><html><head><title>t</title></head><body><p title="a">${body}</p></body></html>`;

test("what breaks out of a text, an attribute or a title is another tag, or none at all", () => {
  const plain = tagsOf(pageOf("name"));
  deepEqual(plain, ["html", "head", "title", "/title", "/head", "body", "p title", "/p", "/body", "/html"]);
  for (const name of ["<b>x</b>", "</p><script>alert(1)</script>", "<img src=x onerror=y>"]) {
    let tags: readonly string[] | null = null;
    try {
      tags = tagsOf(pageOf(name));
    } catch {
      // No tag as we write them: told as well.
    }
    notDeepEqual(tags, plain, name);
  }
  for (const text of ["a < b", "<!--", '<p title="a"b">']) throws(() => tagsOf(pageOf(text)), /no tag/, text);
  notDeepEqual(tagsOf(pageOf("x").replace('title="a"', 'title="a" onclick="b"')), plain);
  notDeepEqual(tagsOf(pageOf("x").replace(">t<", "></title><script></script><")), plain);
});

const executablePath = [
  process.env["CHROMIUM_PATH"],
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => path !== undefined && existsSync(path));

/** Elements in order of the document, with the names of their attributes; a comment would be one more. */
const elementsOf = `((text) => {
  const parsed = new DOMParser().parseFromString(text, "text/html");
  return [...parsed.querySelectorAll("*")].map((element) => [element.localName, ...[...element.attributes].map(({ name }) => name)].join(" "));
})`;

test("a browser's parser finds the same elements and attributes in a page of plain names and in one of hostile ones", {
  skip: executablePath === undefined ? skipReason("no Chromium: set CHROMIUM_PATH or install one to /usr/bin") : false,
}, async (t) => {
  const browser = await chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  t.after(() => browser.close());
  const tab = await browser.newPage();
  for (const model of [reportModel(), hostileModel]) {
    const page = await renderReport(model);
    const elements = await tab.evaluate<readonly string[]>(`${elementsOf}(${JSON.stringify(page)})`);
    ok(elements.length > 500);
    deepEqual(
      elements,
      tagsOf(page).filter((tag) => !tag.startsWith("/")),
    );
  }
});
