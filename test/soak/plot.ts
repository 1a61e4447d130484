// A plot of lines over time as SVG, one panel under another, readable on light and dark ground.

export interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly { readonly name: string; readonly points: readonly Point[] }[];
}

export type Point = readonly [x: number, y: number];

export interface Plot {
  readonly title: string;
  readonly panels: readonly Panel[];
  /** Moments that are worth a mark, in seconds. */
  readonly marks: readonly { readonly at: number; readonly name: string }[];
}

const WIDTH = 860;
const LEFT = 64;
const RIGHT = 16;
const TOP = 44;
const PANEL = 150;
const GAP = 46;
const COLOURS = ['#2f7ed8', '#d8662f', '#3a9d5d'];
/** More points than this are one pixel: the highest of each stretch stands for it. */
const MOST_POINTS = 400;

export function plotOf({ title, panels, marks }: Plot): string {
  const height = TOP + panels.length * (PANEL + GAP);
  const last = Math.max(
    1,
    ...panels.flatMap(({ lines }) => lines.flatMap(({ points }) => points.map(([x]) => x))),
  );
  const xOf = (x: number) => LEFT + (x / last) * (WIDTH - LEFT - RIGHT);
  const drawn = panels.map((panel, at) =>
    drawPanel(panel, { top: TOP + at * (PANEL + GAP) + 18, xOf, last, marks }),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12" fill="#777">
<title>${escaped(title)}</title>
<text x="${LEFT}" y="22" font-size="15" font-weight="600">${escaped(title)}</text>
${drawn.join('\n')}
</svg>
`;
}

interface Place {
  readonly top: number;
  readonly last: number;
  readonly marks: Plot['marks'];
  xOf(x: number): number;
}

function drawPanel({ title, unit, lines }: Panel, { top, xOf, last, marks }: Place): string {
  const highest = Math.max(1e-9, ...lines.flatMap(({ points }) => points.map(([, y]) => y)));
  const step = niceStep(highest / 4);
  const most = Math.ceil(highest / step) * step;
  const yOf = (y: number) => top + PANEL - (y / most) * PANEL;
  const parts = [
    `<text x="${LEFT}" y="${top - 8}" font-weight="600">${escaped(`${title}, ${unit}`)}</text>`,
  ];
  for (let y = 0; y <= most + step / 2; y += step) {
    parts.push(
      `<path d="M${LEFT} ${fixed(yOf(y))}H${WIDTH - RIGHT}" stroke="#888" stroke-opacity=".25"/>`,
      `<text x="${LEFT - 6}" y="${fixed(yOf(y) + 4)}" text-anchor="end">${Number(y.toPrecision(6))}</text>`,
    );
  }
  const minutes = last > 240;
  const tick = niceStep((minutes ? last / 60 : last) / 8) * (minutes ? 60 : 1);
  for (let x = 0; x <= last; x += tick) {
    const label = minutes
      ? `${Number((x / 60).toPrecision(4))} min`
      : `${Number(x.toPrecision(4))} s`;
    parts.push(
      `<text x="${fixed(xOf(x))}" y="${top + PANEL + 15}" text-anchor="middle">${label}</text>`,
    );
  }
  for (const { at, name } of marks) {
    parts.push(
      `<path d="M${fixed(xOf(at))} ${top}V${top + PANEL}" stroke="#b33" stroke-opacity=".45" stroke-dasharray="3 3"><title>${escaped(name)}</title></path>`,
    );
  }
  lines.forEach(({ name, points }, at) => {
    const colour = COLOURS[at % COLOURS.length] ?? '#777';
    const path = thinned(points)
      .map(([x, y]) => `${fixed(xOf(x))} ${fixed(yOf(y))}`)
      .join('L');
    parts.push(`<path d="M${path}" fill="none" stroke="${colour}" stroke-width="1.4"/>`);
    parts.push(
      `<text x="${WIDTH - RIGHT - (lines.length - 1 - at) * 150}" y="${top - 8}" text-anchor="end" fill="${colour}">${escaped(name)}</text>`,
    );
  });
  return parts.join('\n');
}

function thinned(points: readonly Point[]): readonly Point[] {
  const size = Math.ceil(points.length / MOST_POINTS);
  if (size <= 1) return points;
  return Array.from({ length: Math.ceil(points.length / size) }, (_, at) =>
    points
      .slice(at * size, (at + 1) * size)
      .reduce((best, point) => (point[1] > best[1] ? point : best)),
  );
}

/** 1, 2 or 5 times a power of ten: what people read. */
function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power;
}

function fixed(value: number): string {
  return value.toFixed(1);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
