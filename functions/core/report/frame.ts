// What every page has: one self-contained HTML document with its style sheet, a header on the tide, main and footer.
// What stands in them is each page's own.
import { createHash } from "node:crypto";
import { html, raw } from "hono/html";
import { styleSheet, tideMarkSvg, waveSvg } from "./style.ts";
import { clipName } from "./text.ts";

/** A piece of HTML whose strangers' strings are escaped already. */
export type Html = ReturnType<typeof html>;

export interface Page {
  readonly title: string;
  /** Below the title, on the tide. */
  readonly header: Html | "";
  readonly main: Html | "";
  readonly footer: Html | "";
  /** Style rules of this page alone, after the common ones. */
  readonly style?: string;
  /** A script of this page alone, ours to the letter; without it, as in most pages, nothing can run. */
  readonly script?: string;
}

/** Nothing may be loaded or run, but for the one script of those bytes: the page is opened from mails and shared folders. */
function contentSecurityPolicy(script: string): string {
  const hash = createHash("sha256").update(script).digest("base64");
  const scripts = script === "" ? "" : ` script-src 'sha256-${hash}';`;
  return `default-src 'none';${scripts} style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'`;
}

/** The page as text. Equal pages give equal text. */
export async function renderPage({ title, header, main, footer, style = "", script = "" }: Page): Promise<string> {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${raw(contentSecurityPolicy(script))}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${clipName(title)}</title>
<style>${raw(styleSheet)}${raw(style)}</style>
</head>
<body>
<header class="top"><div class="wrap">
<p class="brand">${raw(tideMarkSvg)} Tidemark</p>
<h1><bdi>${clipName(title)}</bdi></h1>
${header}
</div></header>
${raw(waveSvg)}
<main>
${main}
</main>
<footer class="bottom"><div class="wrap">
${footer}
</div></footer>${
    script === ""
      ? ""
      : html`
<script>${raw(script)}</script>`
  }
</body>
</html>
`;
  return String(await page);
}
