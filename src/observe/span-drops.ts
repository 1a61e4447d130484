// Why spans are lost. Apart from the queue, so that nothing else of traces is loaded where there are none.
export const DROP_REASONS = ['queue_full', 'refused', 'shutdown'] as const;

export type DropReason = (typeof DROP_REASONS)[number];
