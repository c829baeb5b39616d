// Chromium for the tests of pages: where it is, how it starts, and a tab that hears everything the page does besides showing itself.
// What a page is held to is check-page.ts's.
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { missing } from "../support/need.ts";

const executablePath =
  process.env["CHROMIUM_PATH"] ??
  ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => existsSync(path)) ??
  "/usr/bin/chromium";

/** False where there is a browser; else the reason to skip, which fails where CI is set. */
export const noBrowser = missing(executablePath);

/** A browser's own errands (updates, sync, QUIC) are no part of a test, and some sandboxes end it for them. */
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

export interface View {
  readonly width: number;
  readonly height: number;
  readonly scheme: "light" | "dark";
}

export interface Tab {
  readonly page: Page;
  /** Messages, errors, dialogs, windows, downloads, and requests for anything but the page. */
  readonly noises: readonly string[];
}

export interface Pages extends AsyncDisposable {
  open(html: string, view: View): Promise<Tab>;
}

export async function startBrowser(): Promise<Pages> {
  const folder = await mkdtemp(join(tmpdir(), "tidemark-pages-"));
  const browser: Browser = await chromium.launch({ executablePath, args: launchArguments });
  let count = 0;
  return {
    async open(html, { width, height, scheme }) {
      const page = await browser.newPage({ viewport: { width, height }, colorScheme: scheme, reducedMotion: "reduce" });
      const path = join(folder, `page-${++count}.html`);
      await writeFile(path, html);
      const url = pathToFileURL(path).href;
      const noises: string[] = [];
      page.on("console", (message) => noises.push(`console: ${message.text()}`));
      page.on("pageerror", (error) => noises.push(`error: ${error.message}`));
      page.on("request", (request) => request.url().split("#")[0] === url || noises.push(`request: ${request.url()}`));
      page.on("popup", (popup) => noises.push(`window: ${popup.url()}`));
      page.on("download", (download) => noises.push(`download: ${download.url()}`));
      page.on("dialog", (dialog) => {
        noises.push(`dialog: ${dialog.message()}`);
        void dialog.dismiss();
      });
      await page.goto(url);
      return { page, noises };
    },
    async [Symbol.asyncDispose]() {
      await browser.close();
      await rm(folder, { recursive: true });
    },
  };
}
