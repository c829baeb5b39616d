// How the report looks: one style sheet for phone and desktop, light and dark, screen and print, and two small drawings.
// It leaves structure to the page and its cards. Colours are custom properties, because the charts use them too.

/**
 * The four parts of memory follow the palette of Okabe and Ito, which colour-blind readers can tell apart,
 * shifted in lightness until text in these colours has a contrast of 4.5 on a card.
 */
const colours = {
  light: `
  --page:#eef3f5;--card:#ffffff;--ink:#10222e;--muted:#4d6270;--line:#dfe7eb;--line-strong:#b4c3cc;--link:#005f8a;
  --top:#0a3346;--top-ink:#f3fafc;--top-muted:#b3d2de;
  --rss:#10222e;--live:#0069a8;--free:#b34700;
  --pinned:#b34700;--reclaimable:#f0b429;--other:#8796a1;
  --on-live:#ffffff;--on-pinned:#ffffff;--on-reclaimable:#2b1d00;--on-other:#0d1a22;
  --act:#a3123f;--growing:#9a3c00;--held:#005f8a;--notice:#4d6270;--chip:#e6eef2;`,
  dark: `
  --page:#0a1318;--card:#132028;--ink:#e4eef3;--muted:#a3b6c1;--line:#233641;--line-strong:#48606d;--link:#7cc7f2;
  --top:#082836;--top-ink:#eef8fb;--top-muted:#a5c6d3;
  --rss:#e4eef3;--live:#5cb8f0;--free:#ff9a57;
  --pinned:#f0813a;--reclaimable:#f5cd5b;--other:#75878f;
  --on-live:#04202f;--on-pinned:#2a0f00;--on-reclaimable:#2b1d00;--on-other:#061015;
  --act:#ff8fab;--growing:#ffae75;--held:#7cc7f2;--notice:#a3b6c1;--chip:#20323c;`,
} as const;

const layout = `
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif;overflow-wrap:anywhere}
.wrap,main{max-width:1240px;margin:0 auto;padding:0 12px}
h1,h2,h3,p,dl,dd,figure,table{margin:0}
h2{font-size:1.25rem;margin:28px 2px 12px}
h3{font-size:1.125rem;line-height:1.3}
a{color:var(--link);text-underline-offset:2px}
a:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:3px}
.nowrap{white-space:nowrap}
.visually-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.count{color:var(--muted);font-weight:400}
.grid{display:grid;gap:12px;grid-template-columns:minmax(0,1fr)}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:16px 14px;min-width:0}
`;

const header = `
.top{background:var(--top);color:var(--top-ink);padding:18px 0 12px}
.brand{display:flex;align-items:center;gap:8px;font-weight:600;letter-spacing:.02em;color:var(--top-muted)}
.brand svg{width:26px;height:26px}
.top h1{font-size:1.05rem;font-weight:500;margin-top:14px;color:var(--top-muted)}
.verdict{font-size:1.375rem;line-height:1.35;font-weight:650;margin-top:4px;max-width:46ch;text-wrap:pretty}
.verdict-calm::before{content:"\\2713  ";color:#7fe0bd}
.verdict-note{margin-top:8px;color:var(--top-ink);max-width:70ch}
.watched{margin-top:16px;display:grid;gap:8px}
.watched dt{font-size:.8125rem;color:var(--top-muted)}
.wave{display:block;width:100%;height:26px;margin-top:-1px;color:var(--top)}
`;

const findings = `
.finding{display:flex;flex-direction:column;border-left:5px solid var(--sev)}
.sev-act{--sev:var(--act)}.sev-growing{--sev:var(--growing)}.sev-held{--sev:var(--held)}.sev-notice{--sev:var(--notice)}
.badge{color:var(--sev);font-size:.875rem;font-weight:650}
.cause{font-weight:600;color:var(--muted)}
.figures{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:8px 12px;margin:12px 0;padding:12px 0;border:solid var(--line);border-width:1px 0}
.figures dt{font-size:.8125rem;color:var(--muted)}
.figures dd{font-variant-numeric:tabular-nums;font-size:.9375rem}
.figure-row{grid-column:1/-1;display:grid;grid-template-columns:3.2rem minmax(0,1fr);align-items:baseline}
.figure-main dd{font-size:1.375rem;font-weight:650;line-height:1.25}
.figure-main dd.none{color:var(--muted);font-weight:400}
.figure-main small{display:block;font-size:.875rem;font-weight:400;color:var(--muted)}
.finding p+p{margin-top:8px}
.finding header p+p{margin-top:0}
.evidence{color:var(--ink);background:var(--page);border-radius:8px;padding:8px 10px}
.advice{margin-top:12px}
.finding .advice p{font-size:.9375rem}
.advice pre{margin:6px 0;padding:8px 10px;background:var(--chip);border-radius:8px;font:.8125rem/1.45 ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono",monospace;white-space:pre-wrap}
.advice summary{cursor:pointer;color:var(--link);font-size:.9375rem;margin-top:8px;padding:4px 0}
.advice summary:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:3px}
.advice h4{margin:10px 0 0;font-size:.875rem}
.warnings,.links{font-size:.875rem}
.links{margin-top:auto!important;padding-top:8px}
.warnings{color:var(--muted)}
.links a{display:inline-block;padding:4px 6px 4px 0}
.chip{display:inline-block;background:var(--chip);color:var(--ink);border-radius:999px;padding:1px 9px;font-size:.8125rem;text-decoration:none}
`;

const processes = `
.process:target{outline:2px solid var(--link);outline-offset:2px}
.process figure,.pins,.unknown{margin-top:14px}
.meta{color:var(--muted);font-size:.875rem}
.tags{margin-top:6px}
figcaption,.caption{font-weight:600;font-size:.9375rem;margin-bottom:4px}
.chart{display:block;width:100%;max-width:440px;height:auto;overflow:visible}
.chart text{font-family:inherit;font-variant-numeric:tabular-nums}
.notice{color:var(--muted);font-size:.9375rem;border:1px dashed var(--line-strong);border-radius:8px;padding:10px 12px;margin-top:6px}
.notice span{display:inline-block;width:1.4em;height:1.4em;line-height:1.4em;text-align:center;border-radius:50%;background:var(--chip);color:var(--ink);font-weight:700;font-size:.8125rem;margin-right:4px}
table{width:100%;border-collapse:collapse;font-size:.9375rem;font-variant-numeric:tabular-nums}
th{text-align:left;font-weight:500}
td{text-align:right;white-space:nowrap;vertical-align:top}
.parts{margin-top:6px;max-width:440px}
.parts tbody tr{border-bottom:1px solid var(--line)}
.parts tbody tr:last-child{border-bottom:0}
.parts tbody th,.parts tbody td{padding:5px 0}
.parts th{padding-left:20px;position:relative}
.parts tbody th{padding-left:20px}
.parts small{display:block;color:var(--muted);font-size:.8125rem;line-height:1.3}
.swatch{position:absolute;left:0;top:11px;width:12px;height:12px;border-radius:3px}
.parts .share{color:var(--muted);width:4.2em}
.pins p:not(.caption){font-size:.9375rem}
.pins table{margin-top:4px;max-width:440px}
.pins th{white-space:nowrap;width:1%;padding-right:10px;color:var(--muted)}
.pins td{text-align:left;vertical-align:middle}
.pins .bytes{text-align:right;width:1%;padding-left:10px}
.pin-bar{display:block;height:8px;min-width:2px;border-radius:4px;background:var(--pinned)}
.rest{color:var(--muted);margin:12px 2px}
.bottom{margin-top:32px;padding:18px 0 32px;border-top:1px solid var(--line);color:var(--muted);font-size:.875rem}
`;

const media = `
@media (min-width:720px){
.wrap,main{padding:0 24px}
.grid{grid-template-columns:repeat(auto-fit,minmax(340px,1fr));gap:16px}
.card{padding:18px;max-width:480px}
.verdict{font-size:1.75rem;max-width:40ch}
.watched{grid-template-columns:auto auto;justify-content:start;gap:8px 40px}
.wave{height:38px}
}
@media print{:root{color-scheme:light}body{background:#fff}.card{break-inside:avoid}.top{background:none}.top,.top *{color:#000!important}.wave{display:none}}
`;

export const styleSheet = `:root{color-scheme:light dark;${colours.light}}
@media screen and (prefers-color-scheme:dark){:root{${colours.dark}}}
${layout}${header}${findings}${processes}${media}`.replace(/\n\s*/g, "\n");

/** The mark: two waves under the line that high tide left. */
export const tideMarkSvg =
  '<svg viewBox="0 0 26 26" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round"><path d="M3 6h20" stroke-dasharray="1 4.2"/><path d="M3 14c3.3-3.6 6.7-3.6 10 0s6.7 3.6 10 0"/><path d="M3 20c3.3-3.6 6.7-3.6 10 0s6.7 3.6 10 0" opacity=".6"/></svg>';

/** Lower edge of the header: the surface of the water. It overlaps the header by a pixel, or a hairline shows between them. */
export const waveSvg =
  '<svg class="wave" viewBox="0 0 1200 40" preserveAspectRatio="none" aria-hidden="true"><path fill="currentColor" opacity=".35" d="M0 26C150 8 300 8 450 22s300 14 450-2 220-14 300-4V0H0z"/><path fill="currentColor" d="M0 20C150 4 300 6 450 16s300 12 450 0 220-12 300-4V0H0z"/></svg>';
