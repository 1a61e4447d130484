// Numbers as people read them, each with its unit.

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** What stands where there is nothing to tell. */
export const NOTHING = '–';

export function count(value: number): string {
  return grouped.format(value);
}

/** 12,345 as 12.3K. */
export function brief(value: number): string {
  return short.format(value);
}

/** 84 ms, 1.2 s, 2 min 5 s. */
export function duration(ms: number | null): string {
  if (ms === null) return NOTHING;
  if (ms === 0) return '0';
  if (ms < 1_000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}

/** 3 d 4 h, 5 h 10 min, 12 min, 40 s. */
export function uptime(seconds: number): string {
  const [days, hours, minutes] = [86_400, 3_600, 60].map((unit) => Math.floor(seconds / unit));
  if (days) return `${days} d ${(hours ?? 0) % 24} h`;
  if (hours) return `${hours} h ${(minutes ?? 0) % 60} min`;
  return minutes ? `${minutes} min` : `${seconds} s`;
}

export function percent(share: number | null): string {
  if (share === null) return NOTHING;
  const value = share * 100;
  return `${value > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)}%`;
}

export function rate(value: number | null): string {
  if (value === null) return NOTHING;
  if (value > 0 && value < 0.1) return '< 0.1';
  return value > 0 && value < 10 ? value.toFixed(1) : grouped.format(value);
}

export function bytes(value: number): string {
  return value < 2 ** 30
    ? `${Math.round(value / 2 ** 20)} MiB`
    : `${(value / 2 ** 30).toFixed(1)} GiB`;
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const fullClock = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});

/** Of Unix seconds, in the browser's time zone. */
export function timeOf(seconds: number, withSeconds = false): string {
  return (withSeconds ? fullClock : clock).format(seconds * 1_000);
}
