// Whether there are traces, by the settings: what makes them is loaded only where they are wanted.
import type { Traces, TracesOptions } from './traces.ts';

export interface TraceSettings {
  readonly endpoint?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly sample_ratio: number;
  readonly service_name: string;
}

type Rest = Omit<TracesOptions, 'collector' | 'sampleRatio' | 'serviceName'>;

export async function openTraces(settings: TraceSettings, rest: Rest): Promise<Traces | null> {
  const { endpoint, headers, sample_ratio: sampleRatio, service_name: serviceName } = settings;
  const url = settings.url ?? (endpoint && `${endpoint.replace(/\/+$/, '')}/v1/traces`);
  if (url === undefined) return null;
  const { createTraces } = await import('./traces.ts');
  return createTraces({ ...rest, collector: { url, headers }, sampleRatio, serviceName });
}
