"""The style sheet of a report's page: light and dark, wide and narrow, on paper too."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fafaf9; --card: #fff; --ink: #1b1f24; --soft: #59636e; --rule: #e2e5e9;
  --s1: #2a6fdb; --s2: #b8790b; --s3: #8a4fb5; --bad: #b3261e; --badly: #fdeeec;
  --note: #fff6dd; --noted: #5f4700; --now: #eef4fd; --track: #e9ecf0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171b; --card: #1c2026; --ink: #e7eaee; --soft: #9aa5b1; --rule: #323942;
    --s1: #6ea8fe; --s2: #e3a93c; --s3: #c79bec; --bad: #ff9c92; --badly: #3a1f1d;
    --note: #362d13; --noted: #f2d98f; --now: #232b37; --track: #2b3139;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
main { max-width: 1040px; margin: 0 auto; padding: 32px 24px 48px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 18px; margin: 36px 0 12px; }
h3 { font-size: 14px; margin: 0 0 2px; font-weight: 600; }
p { margin: 0 0 12px; }
.when { color: var(--soft); margin: 4px 0 0; }
.note {
  background: var(--note); color: var(--noted); border-radius: 8px;
  padding: 10px 14px; margin: 16px 0 0;
}
.empty { color: var(--soft); }
.notable { margin: 20px 0 24px; }
.notable h2 { margin: 0 0 6px; font-size: 15px; }
.notable ul { margin: 0; padding-left: 20px; }
.notable li { padding: 2px 0; overflow-wrap: anywhere; }

.tiles {
  display: grid; grid-template-columns: repeat(4, 1fr); gap: 12px;
  margin: 0; padding: 0; list-style: none;
}
.tile, figure { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; }
.tile { padding: 14px 16px; min-width: 0; overflow-wrap: anywhere; }
.tile .name { color: var(--soft); font-size: 13px; }
.tile .value {
  display: block; font-size: 26px; line-height: 1.25; font-weight: 650;
  font-variant-numeric: tabular-nums;
}
.tile .moved { display: block; font-size: 13px; color: var(--soft); }

.charts { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 16px; }
figure { margin: 0; padding: 14px 16px 10px; }
.sub { color: var(--soft); font-size: 13px; margin: -8px 0 8px; }
figure > svg { display: block; width: 100%; height: auto; margin-top: 8px; }
.legend {
  display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 6px 0 0; padding: 0;
  list-style: none; font-size: 13px; color: var(--soft);
}
.legend svg { width: 11px; height: 11px; margin: 0 6px 0 0; vertical-align: -1px; }
.tick { font-size: 11.5px; fill: var(--soft); }
.middle { text-anchor: middle; }
.end { text-anchor: end; }
.grid { stroke: var(--rule); stroke-width: 1; }
.base { stroke: var(--soft); }
.now { fill: var(--now); }
.track { fill: var(--track); }
.s1 { fill: var(--s1); }
.s2 { fill: var(--s2); }
.s3 { fill: var(--s3); }
.bad { fill: var(--bad); }
.line { fill: none; stroke: var(--s1); stroke-width: 2; stroke-linejoin: round; }
details { font-size: 13px; color: var(--soft); margin-top: 6px; }
summary { cursor: pointer; }

table { border-collapse: collapse; width: 100%; font-size: 14px; }
.c1, .c2 { max-width: 720px; }
th { text-align: left; font-weight: 600; color: var(--soft); font-size: 13px; }
thead th { vertical-align: bottom; }
th, td { padding: 7px 16px 7px 0; border-bottom: 1px solid var(--rule); }
th:last-child, td:last-child { padding-right: 0; }
tbody th { color: var(--ink); font-size: 14px; vertical-align: top; overflow-wrap: anywhere; }
td { vertical-align: top; }
.n { text-align: right; font-variant-numeric: tabular-nums; }
.small { display: block; color: var(--soft); font-size: 13px; font-weight: 400; }
.meter { display: block; width: 100%; min-width: 64px; height: 7px; margin-top: 5px; }
.flag {
  display: inline-block; border-radius: 5px; padding: 0 7px; margin-left: 8px;
  font-size: 12.5px; font-weight: 600; white-space: nowrap;
  background: var(--badly); color: var(--bad);
}
.calm { background: var(--track); color: var(--soft); }
footer {
  color: var(--soft); font-size: 13px; margin-top: 40px; padding-top: 12px;
  border-top: 1px solid var(--rule);
}

@media (max-width: 720px) {
  main { padding: 20px 16px 32px; }
  h1 { font-size: 23px; }
  .tiles { grid-template-columns: repeat(2, 1fr); gap: 8px; }
  .tile { padding: 10px 12px; }
  .tile .value { font-size: 21px; }
  .charts { grid-template-columns: minmax(0, 1fr); }
  figure { padding: 12px 12px 8px; }
  table, thead, tbody { display: block; }
  tr {
    display: grid; column-gap: 8px; padding: 6px 0; border-bottom: 1px solid var(--rule);
    grid-template-columns: repeat(6, minmax(0, 1fr));
  }
  .c1 tr { grid-template-columns: minmax(0, 2fr) minmax(0, 1fr); }
  .c2 tr { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .c3 tr { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  th, td { border: 0; padding: 1px 0; }
  .lead { display: none; }
  thead th { font-size: 12px; }
  tbody th { grid-column: 1 / -1; }
  .c1 tbody th { grid-column: auto; }
  .c1 .lead { display: block; }
  td { font-size: 13px; }
  td .small { font-size: 12px; }
  .meter { min-width: 0; }
}
@media print {
  body { background: #fff; }
  .tile, figure, tr { break-inside: avoid; }
}
"""
