// When the next frame of an answer is drawn: with the screen, but later where drawing takes long, so that typing and
// scrolling stay smooth whatever a model sends.

/** A frame that took no longer is as it should be. */
const SMOOTH_MS = 24;
/** Drawing takes at most about a third of the time. */
const REST = 2;

let restUntil = 0;

export function onNextFrame(draw: () => void): void {
  const wait = restUntil - performance.now();
  if (wait > 0) setTimeout(() => requestAnimationFrame(() => drawn(draw)), wait);
  else requestAnimationFrame(() => drawn(draw));
}

function drawn(draw: () => void): void {
  const startedAt = performance.now();
  draw();
  // By the next frame scripts, layout and paint of this one are done.
  requestAnimationFrame(() => {
    const took = performance.now() - startedAt;
    if (took > SMOOTH_MS) restUntil = performance.now() + took * REST;
  });
}
