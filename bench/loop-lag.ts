// Preloaded into the gateway's process by bench/turns.ts: how late the event loop is. A timer that should fire every
// 2 ms is looked at; by how much it comes later is how long something kept the loop. SIGUSR2 writes what was seen
// since the last one to the file in LOOP_LAG_FILE, as JSON, and begins anew.
import { renameSync, writeFileSync } from 'node:fs';

const INTERVAL_MS = 2;
const file = process.env['LOOP_LAG_FILE'];

let lags: number[] = [];
let last = performance.now();
setInterval(() => {
  const now = performance.now();
  lags.push(Math.max(0, now - last - INTERVAL_MS));
  last = now;
}, INTERVAL_MS).unref();

process.on('SIGUSR2', () => {
  if (file) {
    writeFileSync(`${file}.new`, JSON.stringify(lags));
    renameSync(`${file}.new`, file);
  }
  lags = [];
});
