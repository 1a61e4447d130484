// Requests to the gateway that are no chat: with the token, and with failures as one type.
import { errorDetails, ownError, type ChatErrorDetails } from '../../../client/errors.ts';
import { forgetToken } from '../../shell/token.ts';
import { signInNotice, token } from './state.ts';

/** What went wrong, as the gateway tells it: see /errors for the words to each code. */
export type Failure = ChatErrorDetails;

export class RequestFailure extends Error {
  override readonly name = 'RequestFailure';
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

export interface AskOptions {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** Rejects with a RequestFailure, or with the signal's reason. */
export async function ask(path: string, options: AskOptions = {}): Promise<Response> {
  const { method = 'GET', body, signal } = options;
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: {
        authorization: `Bearer ${token.value}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    throw new RequestFailure(unreachable(cause));
  }
  if (response.ok) return response;
  throw new RequestFailure(noted(errorDetails(await response.text(), response.status)));
}

export async function askJson<T>(path: string, options: AskOptions = {}): Promise<T> {
  return (await (await ask(path, options)).json()) as T;
}

/** What is shown of something that was thrown. */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof RequestFailure) return thrown.failure;
  if (isFailure(thrown)) return noted(thrown);
  return unreachable(thrown);
}

/** A token that is no longer taken is asked for again. */
function noted(failure: Failure): Failure {
  if (failure.status === 401) {
    forgetToken();
    signInNotice.value = 'The gateway no longer takes this token. Sign in again.';
    token.value = null;
  }
  return failure;
}

function isFailure(thrown: unknown): thrown is Error & Failure {
  return thrown instanceof Error && 'code' in thrown && 'retryable' in thrown;
}

function unreachable(cause: unknown): Failure {
  console.info('a request failed', cause);
  return ownError('network_error', 'The gateway could not be reached.');
}
