// POST /v1/chat/completions: OpenAI's contract, checked only where the gateway has to act on it.
import type { Deadlines } from '../../domain/deadlines.ts';
import { tokenCounts, type Usage } from '../../domain/message.ts';
import { prepareRelay, type RelayDeps, type Witness } from '../../chat/relay.ts';
import type { Target } from '../../providers/provider.ts';
import { readDocument } from '../body.ts';
import { checkShape } from '../check-shape.ts';
import type { Exchange } from '../exchange.ts';
import type { Reply } from '../wire/reply.ts';
import { ReplyHeaders } from '../wire/reply.ts';
import { jsonReply, noteAnswer, noteAttempt, streamReply } from '../reply.ts';
import { chatCompletionsShape, isPlainChat } from './chat-shape.ts';

export interface ChatCompletionsDeps extends RelayDeps {
  readonly deadlines: Deadlines;
  readonly heartbeatMs: number;
  readonly stallMs: number;
  readonly maxBodyBytes: number;
}

export function chatCompletions(deps: ChatCompletionsDeps) {
  return async (exchange: Exchange): Promise<Reply> => {
    const document = await readDocument(exchange, deps.maxBodyBytes);
    const { model, messages, stream } = isPlainChat(document.value)
      ? document.value
      : checkShape(chatCompletionsShape, document.value);
    const { record, requestId, signal } = exchange;
    record.alias = model;
    record.stream = stream === true;
    const prepared = prepareRelay(
      {
        document,
        alias: model,
        messages,
        stream: record.stream,
        requestId,
        trace: record.trace,
        witness: new Notes(exchange),
      },
      deps,
    );
    const headers = new ReplyHeaders();
    if (prepared.applied.length > 0) headers.set('x-gateway-applied', prepared.applied.join(', '));
    if (record.stream)
      return streamReply(exchange, { source: prepared.events(signal), headers, ...deps });
    return jsonReply(exchange, await prepared.json(signal), headers);
  };
}

/** Puts down in the record what becomes of the request. */
class Notes implements Witness {
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }
  onAttempt(target: Target): void {
    noteAttempt(this.#exchange, target);
  }
  onAnswer(target: Target): void {
    noteAnswer(this.#exchange, target);
  }
  onUsage(usage: Usage): void {
    this.#exchange.record.usage = tokenCounts(usage);
  }
}
