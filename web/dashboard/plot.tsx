// One plot: uPlot draws it, and around it stand its title, what the last look comes to, the legend, a tooltip, and
// the same figures as a table.
import uPlot from 'uplot';
import { useEffect, useRef, useState } from 'preact/hooks';
import { timeOf } from './format.ts';

export interface Line {
  readonly label: string;
  /** Which of the palette's colours. */
  readonly color: 1 | 2 | 3 | 4 | 5;
  readonly form: 'line' | 'area' | 'bars';
  readonly dashed?: boolean;
  /** As it is drawn: what lies on top of others is their sum and its own. */
  readonly drawn: readonly (number | null)[];
  /** As it is told, where that is something else. */
  readonly told?: readonly (number | null)[];
}

export interface PlotProps {
  readonly title: string;
  readonly unit: string;
  /** In a few words, what the whole window comes to. */
  readonly summary: string;
  /** Unix seconds. */
  readonly times: readonly number[];
  /** Drawn in this order: the later ones on top. */
  readonly lines: readonly Line[];
  /** What is drawn first is told last: the lines stand on each other. */
  readonly stacked?: boolean;
  /** 0 to this, where the scale is fixed. */
  readonly most?: number;
  /** Said instead where nothing was measured. */
  readonly empty: string;
  format(value: number | null): string;
}

const HEIGHT = 190;

export function Plot(props: PlotProps) {
  const { title, unit, summary, times, lines, empty, format } = props;
  const isEmpty = lines.every(({ drawn }) => drawn.every((value) => !value));
  const id = `plot-${title.toLowerCase().replaceAll(/[^a-z]+/g, '-')}`;
  return (
    <figure class="card plot" aria-labelledby={id}>
      <figcaption>
        <h2 id={id}>
          {title} <span class="plot-unit">{unit}</span>
        </h2>
        <p class="plot-summary">{isEmpty ? '' : summary}</p>
      </figcaption>
      <div class="plot-area">
        {isEmpty ? <p class="plot-empty">{empty}</p> : <Canvas {...props} />}
      </div>
      {isEmpty ? null : <Legend {...props} />}
      <Table title={title} times={times} lines={lines} format={format} />
    </figure>
  );
}

function Legend({ title, lines, stacked }: PlotProps) {
  return (
    <ul class="plot-legend" aria-label={`Legend of ${title}`}>
      {(stacked ? lines.toReversed() : lines).map(({ label, color, form, dashed }) => (
        <li key={label}>
          <span
            class={`key ${form} series-${color}${dashed ? ' dashed' : ''}`}
            aria-hidden="true"
          />
          {label}
        </li>
      ))}
    </ul>
  );
}

function Canvas(props: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const tooltip = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const shape = props.lines.map(({ label }) => label).join('|');

  useEffect(() => {
    const box = place.current;
    if (!box) return undefined;
    const made = new uPlot(optionsFor(latest, box, tooltip), dataOf(latest.current), box);
    plot.current = made;
    const sizes = new ResizeObserver(() =>
      made.setSize({ width: box.clientWidth, height: HEIGHT }),
    );
    sizes.observe(box);
    const themes = new MutationObserver(() => made.redraw(false, true));
    themes.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => {
      sizes.disconnect();
      themes.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape]);
  useEffect(() => plot.current?.setData(dataOf(props)), [props.times, props.lines]);

  return (
    <>
      <div
        ref={place}
        class="plot-canvas"
        role="img"
        aria-label={`${props.title}: ${props.summary}. The table below has the figures.`}
      />
      <div ref={tooltip} class="plot-tooltip" hidden aria-hidden="true" />
    </>
  );
}

function dataOf({ times, lines }: PlotProps): uPlot.AlignedData {
  return [[...times], ...lines.map(({ drawn }) => [...drawn])];
}

function cssColor(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function optionsFor(
  latest: { readonly current: PlotProps },
  box: HTMLElement,
  tooltip: { readonly current: HTMLDivElement | null },
): uPlot.Options {
  const { lines, most, format } = latest.current;
  const axis = {
    stroke: () => cssColor('--text-3'),
    grid: { stroke: () => cssColor('--border'), width: 1 },
    ticks: { show: false },
    font: '12px Inter Variable, system-ui, sans-serif',
  };
  return {
    width: box.clientWidth,
    height: HEIGHT,
    padding: [8, 4, 0, 0],
    legend: { show: false },
    cursor: {
      sync: { key: 'dashboard' },
      drag: { x: false, y: false },
      y: false,
      points: { size: 7 },
    },
    scales: {
      // Half a step at either end, or the first and the last bar are cut.
      x: { time: true, range: (plot, low, high) => [low - halfStep(plot), high + halfStep(plot)] },
      y: { range: (_, __, high) => [0, most ?? roomAbove(high)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        values: (_, splits) => splits.map((split) => timeOf(split)),
        space: 70,
        size: 28,
      },
      { ...axis, values: (_, splits) => splits.map((split) => format(split)), size: 58, space: 36 },
    ],
    series: [{}, ...lines.map(seriesFor)],
    hooks: { setCursor: [(plot) => showTooltip(plot, latest.current, tooltip.current)] },
  };
}

function halfStep({ data: [times] }: uPlot): number {
  return ((times[1] ?? 0) - (times[0] ?? 0)) / 2;
}

function roomAbove(high: number | null): number {
  return high === null || high <= 0 ? 1 : high * 1.12;
}

function seriesFor({ color, form, dashed }: Line): uPlot.Series {
  const stroke = () => cssColor(`--series-${color}`);
  const alpha = (share: string) => () => `${cssColor(`--series-${color}`)}${share}`;
  if (form === 'bars') {
    const bars = uPlot.paths.bars?.({ size: [0.72, 24], radius: 0.15 });
    return {
      stroke,
      fill: stroke,
      width: 0,
      ...(bars && { paths: bars }),
      points: { show: false },
    };
  }
  return {
    stroke,
    width: 2,
    ...(dashed ? { dash: [5, 4] } : {}),
    ...(form === 'area' ? { fill: alpha('26') } : {}),
    points: { size: 5, fill: stroke, width: 0, filter: alone },
  };
}

/** A value between two gaps makes no line: it is drawn as a point. */
function alone(plot: uPlot, series: number, show: boolean): number[] | null {
  const values = plot.data[series] ?? [];
  const points: number[] = [];
  for (const [at, value] of values.entries()) {
    if (value != null && values[at - 1] == null && values[at + 1] == null) points.push(at);
  }
  return show || points.length > 0 ? points : null;
}

function showTooltip(plot: uPlot, props: PlotProps, tooltip: HTMLDivElement | null): void {
  if (!tooltip) return;
  const { idx, left = -1 } = plot.cursor;
  const time = idx == null ? undefined : props.times[idx];
  // Cursors of all plots move together; only the one below the pointer speaks.
  if (idx == null || time === undefined || left < 0 || !plot.root.matches(':hover')) {
    tooltip.hidden = true;
    return;
  }
  const rows = props.lines.map(({ label, color, drawn, told = drawn }) => {
    const row = document.createElement('div');
    const key = document.createElement('span');
    key.className = `key bars series-${color}`;
    const value = document.createElement('strong');
    value.textContent = props.format(told[idx] ?? null);
    row.append(key, label, value);
    return row;
  });
  const head = document.createElement('time');
  head.textContent = timeOf(time, true);
  tooltip.replaceChildren(head, ...(props.stacked ? rows.toReversed() : rows));
  tooltip.hidden = false;
  const inset = plot.over.offsetLeft + left;
  const flips = inset > plot.root.clientWidth / 2;
  tooltip.style.left = `${flips ? inset - tooltip.offsetWidth - 12 : inset + 12}px`;
}

function Table({
  title,
  times,
  lines,
  format,
}: Pick<PlotProps, 'title' | 'times' | 'lines' | 'format'>) {
  const [isOpen, setOpen] = useState(false);
  const rows = times.flatMap((time, at) => {
    const values = lines.map(({ drawn, told = drawn }) => told[at] ?? null);
    return values.every((value) => !value) ? [] : [{ time, values }];
  });
  return (
    <details class="plot-table" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        Figures <span class="visually-hidden">of {title} as a table</span>
      </summary>
      {isOpen ? (
        <div class="scroll" tabIndex={0} role="region" aria-label={`${title} as a table`}>
          <table>
            <thead>
              <tr>
                <th scope="col">Time</th>
                {lines.map(({ label }) => (
                  <th key={label} scope="col">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.toReversed().map(({ time, values }) => (
                <tr key={time}>
                  <th scope="row">{timeOf(time, true)}</th>
                  {values.map((value, at) => (
                    <td key={lines[at]?.label}>{format(value)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
          {rows.length === 0 ? <p class="plot-hint">Nothing yet.</p> : null}
        </div>
      ) : null}
    </details>
  );
}
