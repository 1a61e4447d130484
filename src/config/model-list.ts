// Asks a server for its list of models, and believes only a proper OpenAI list: anything may listen on a well-known
// port, and a web page with status 200 is no engine. Never throws.

import { z } from 'zod';

export interface ListedModel {
  readonly id: string;
  readonly ownedBy: string | undefined;
  /** Tokens, where the engine says so. */
  readonly contextWindow: number | undefined;
}

export type ModelList =
  | { readonly ok: true; readonly status: number; readonly models: readonly ListedModel[] }
  /** `status` is null where no HTTP reply came. */
  | { readonly ok: false; readonly status: number | null; readonly fault: string };

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface ListRequest {
  readonly headers?: Readonly<Record<string, string>>;
  /** Until the last byte. */
  readonly timeoutMs: number;
  readonly fetch?: Fetch;
}

/** The longest public list, OpenRouter's, is well below this. */
const MAX_LIST_BYTES = 4 * 1024 * 1024;

const tokens = z.number().int().positive().optional().catch(undefined);

/** vLLM and SGLang say max_model_len, OpenRouter context_length; llama.cpp's n_ctx is what it was started with. */
const listSchema = z.object({
  data: z.array(
    z.object({
      id: z.string().min(1),
      owned_by: z.string().optional().catch(undefined),
      max_model_len: tokens,
      context_length: tokens,
      meta: z.object({ n_ctx: tokens }).optional().catch(undefined),
    }),
  ),
});

/** GET {baseUrl}/models. */
export async function listModels(baseUrl: string, request: ListRequest): Promise<ModelList> {
  const { headers = {}, timeoutMs, fetch: ask = fetch } = request;
  const signal = AbortSignal.timeout(timeoutMs);
  let status: number | null = null;
  try {
    const response = await ask(`${baseUrl}/models`, {
      headers: { accept: 'application/json', ...headers },
      redirect: 'manual',
      signal,
    });
    status = response.status;
    if (status !== 200) {
      await response.body?.cancel();
      return { ok: false, status, fault: `answered ${status}` };
    }
    const text = await readText(response);
    const parsed = listSchema.safeParse(text === undefined ? undefined : parseJson(text));
    if (!parsed.success) return { ok: false, status, fault: 'sent no list of models' };
    return { ok: true, status, models: parsed.data.data.map(toListedModel) };
  } catch (error) {
    return { ok: false, status, fault: signal.aborted ? 'timed out' : faultOf(error) };
  }
}

function toListedModel(entry: z.output<typeof listSchema>['data'][number]): ListedModel {
  const contextWindow = entry.max_model_len ?? entry.context_length ?? entry.meta?.n_ctx;
  return { id: entry.id, ownedBy: entry.owned_by, contextWindow };
}

/** The body as text; undefined beyond the ceiling. */
async function readText(response: Response): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_LIST_BYTES) return undefined; // leaving the loop closes the connection
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function faultOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (/ConnectionRefused|ECONNREFUSED|FailedToOpenSocket/.test(code)) return 'connection refused';
  if (code !== '') return code;
  return error instanceof Error ? error.message : String(error);
}
