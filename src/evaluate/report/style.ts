/** Style sheet of the report: quiet on screen, whole on paper. */
export const style = `
:root { color-scheme: light; --ink: #17202a; --soft: #5d6b78; --rule: #d9dfe5; --paper: #fff; --tint: #f4f6f8; --blue: #0072b2; --orange: #d55e00; --green: #009e73; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1080px; padding: 28px 24px 40px; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; letter-spacing: -0.01em; }
h2 { font-size: 18px; margin: 34px 0 10px; padding-bottom: 4px; border-bottom: 1px solid var(--rule); }
h3 { font-size: 15px; margin: 20px 0 4px; }
p { margin: 6px 0 12px; }
.facts, .note, figcaption, .tile-note, footer { color: var(--soft); }
.note, figcaption { font-size: 13px; }
.tiles { display: grid; grid-template-columns: repeat(4, 1fr); gap: 12px; margin-top: 20px; }
.tile { border: 1px solid var(--rule); border-radius: 8px; padding: 12px 14px; background: var(--tint); }
.tile-name { font-weight: 600; }
.tile-value { font-size: 32px; line-height: 1.15; font-variant-numeric: tabular-nums; }
.tile-note { font-size: 12.5px; }
.figures { display: grid; grid-template-columns: repeat(2, 1fr); column-gap: 36px; }
.figures div { display: flex; justify-content: space-between; gap: 16px; border-bottom: 1px solid var(--rule); padding: 3px 0; }
.figures b { font-variant-numeric: tabular-nums; font-weight: 600; white-space: nowrap; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; margin: 8px 0 4px; }
th, td { text-align: right; padding: 4px 8px; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th { color: var(--soft); font-weight: 600; }
td:first-child, th:first-child, .first { text-align: left; }
.plots { display: grid; grid-template-columns: repeat(2, 1fr); gap: 12px 20px; }
.three { grid-template-columns: repeat(3, 1fr); }
.frames { display: grid; grid-template-columns: repeat(2, 1fr); gap: 16px; }
figure { margin: 0; break-inside: avoid; }
figcaption { padding: 2px 0 0; }
.plot, .frame { display: block; width: 100%; height: auto; }
.frame { border-radius: 6px; background: #000; }
.bars { max-width: 760px; }
text { font: 11px system-ui, "DejaVu Sans", sans-serif; fill: var(--soft); }
.name { font-size: 12px; fill: var(--ink); }
.value { font-size: 11px; fill: var(--ink); }
.grid { stroke: var(--rule); stroke-width: 1; }
.axis { stroke: var(--soft); stroke-width: 1; }
.bar { fill: #cfd8e0; }
.track { fill: var(--tint); }
path.s-j { fill: none; stroke: var(--blue); stroke-width: 2; stroke-linejoin: round; }
circle.s-j { fill: var(--blue); }
path.s-confidence { fill: none; stroke: var(--orange); stroke-width: 1.6; stroke-dasharray: 5 3; stroke-linejoin: round; }
circle.s-confidence { fill: var(--orange); }
path.s-ideal { fill: none; stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 3; }
path.s-limit { fill: none; stroke: var(--orange); stroke-width: 1.4; stroke-dasharray: 6 4; }
path.s-bias { fill: none; stroke: var(--ink); stroke-width: 1.2; }
circle.s-dot { fill: var(--blue); fill-opacity: 0.6; }
circle.s-known { fill: var(--ink); }
circle.s-found { fill: none; stroke: var(--orange); stroke-width: 2; }
.f-j { fill: var(--blue); }
.f-f { fill: var(--green); }
.b-hidden { fill: #c9ced4; }
.b-prompt { fill: var(--green); }
.whisker { fill: none; stroke: var(--ink); stroke-width: 1.5; }
.o-under, .o-truth, .o-prediction { fill: none; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
.o-under { stroke: #000; stroke-width: 4; opacity: 0.55; }
.o-truth { stroke: #fff; stroke-width: 2; stroke-dasharray: 5 4; }
.o-prediction { stroke: #f5a623; stroke-width: 2.5; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 20px; font-size: 13px; color: var(--ink); }
.legend span { display: inline-flex; align-items: center; gap: 7px; }
.key { width: 22px; height: 12px; flex: none; }
.definitions { padding-left: 18px; font-size: 13.5px; }
footer { margin-top: 36px; padding-top: 10px; border-top: 1px solid var(--rule); font-size: 12.5px; }
@media screen and (max-width: 700px) { .plots, .frames, .figures { grid-template-columns: 1fr; } .tiles { grid-template-columns: repeat(2, 1fr); } }
@media print {
  @page { margin: 14mm; }
  body { max-width: none; padding: 0; font-size: 11pt; }
  h2 { break-after: avoid; }
  tr, .tile, .figures div { break-inside: avoid; }
  .scroll { overflow: visible; }
  table { font-size: 7.5pt; }
  th, td { padding: 2px 3px; white-space: normal; }
  .tile-value { font-size: 22px; }
  .tile-note, .note, figcaption, .legend { font-size: 8.5pt; }
  .figures { font-size: 9.5pt; column-gap: 22px; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
