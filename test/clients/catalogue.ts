// Every client that is tried, in the order in which it is.
import { AGENTS } from './agents.ts';
import type { Client } from './client.ts';
import { SDKS } from './sdks.ts';

export const CLIENTS: readonly Client[] = [...SDKS, ...AGENTS];
