// Style rules of the weekly page alone; the common ones are report/style.ts's.
export const weeklyStyle = `
:root{--trend-reclaimable:#8a6100}
@media screen and (prefers-color-scheme:dark){:root{--trend-reclaimable:#f5cd5b}}
.n{color:inherit;text-decoration:underline dotted;text-decoration-thickness:1px;text-underline-offset:3px}
.n:hover{text-decoration-style:solid}
.tiles{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:10px;margin-top:4px}
.tile{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:12px 14px;min-width:0}
.tile dt{font-size:.8125rem;color:var(--muted)}
.tile dd{font-variant-numeric:tabular-nums}
.tile .big{font-size:1.375rem;line-height:1.25;font-weight:650}
.tile .unknown{color:var(--muted);font-weight:400;font-size:1.125rem}
.tile small{display:block;font-size:.8125rem;color:var(--muted);line-height:1.35;margin-top:2px}
.trends{margin-top:12px}
.trends .card,.card.wide{max-width:none}
.trends .chart{max-width:470px}
.others{margin-top:12px}
.legend{color:var(--muted);font-size:.8125rem}
.step{margin-top:10px}
.step pre,.query pre{margin:6px 0;padding:8px 10px;background:var(--chip);border-radius:8px;font:.8125rem/1.45 ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono",monospace;white-space:pre-wrap}
.step p+p,.step details{margin-top:6px}
.step summary,.query summary{cursor:pointer;color:var(--link);font-size:.875rem;padding:4px 0}
.step summary:focus-visible,.query summary:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:3px}
.step h4{margin:10px 0 0;font-size:.875rem}
.why{font-size:.875rem;color:var(--muted)}
.list{width:100%}
.list thead th{color:var(--muted);font-size:.8125rem;font-weight:500;text-align:right;padding:4px 0 6px 14px;vertical-align:bottom}
.list thead th:first-child{text-align:left;padding-left:0}
.list tbody th{padding:7px 0;font-weight:600}
.list tbody td{padding:7px 0 7px 14px;white-space:normal}
.list tbody tr{border-top:1px solid var(--line)}
.list small{display:block;color:var(--muted);font-size:.8125rem;font-weight:400;line-height:1.3}
.list td>.n{white-space:nowrap}
.list .left{text-align:left!important}
.list .desk{display:none}
.spots{list-style:none;margin:0;padding:0}
.spots li{padding:8px 0;border-top:1px solid var(--line)}
.spots li:first-child{border-top:0}
.spots small{display:block;color:var(--muted);font-size:.875rem}
.query{padding:12px 0;border-top:1px solid var(--line);scroll-margin-top:8px}
.query:target{outline:2px solid var(--link);outline-offset:6px;border-radius:4px}
.assumptions{margin-top:10px}
.card.wide+.card.wide{margin-top:12px}
.finding>p.muted{color:var(--muted)}
@media (min-width:720px){
.tiles{grid-template-columns:repeat(4,minmax(0,1fr))}
.list .desk{display:table-cell}
.grid.trends{grid-template-columns:repeat(2,minmax(0,1fr))}
.two{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:16px;align-items:start}
.two .card.wide+.card.wide{margin-top:0}
.verdict{max-width:48ch}
}
`;
