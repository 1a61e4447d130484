// The words at the head of the document, and the groups that its operations are shown in.

export const TITLE = 'DGX LLM Chat Gateway';

export const SUMMARY =
  'One host and one token in front of your language models: OpenAI-compatible /v1, and /c1 that remembers.';

export const DESCRIPTION = `
Two chat APIs live at one host and share one token.

| | \`/v1\` | \`/c1\` |
|---|---|---|
| contract | OpenAI Chat Completions, as they are | one new message per call |
| history | you send it | the gateway keeps it |
| you leave in mid-answer | the model is stopped | the answer goes on, is kept, and can be resumed |
| made for | every OpenAI SDK | plain HTTP, or any client for event streams |

## A first request

\`\`\`sh
curl http://127.0.0.1:3000/v1/chat/completions \\
  -H "Authorization: Bearer $BEARER" -H 'Content-Type: application/json' \\
  -d '{"model":"llama-4-scout","messages":[{"role":"user","content":"In one word: capital of Italy?"}],"max_tokens":30}'
\`\`\`

\`GET /v1/models\` lists what can be asked for as \`model\`, and \`GET /v1/info\` what each of them can do.

## Authentication

Send the token of the server (its \`RUST_API_BEARER\`) as \`Authorization: Bearer <token>\` or as \`x-api-key: <token>\`. Public are \`/healthz\`, \`/readyz\`, \`/errors\`, this document and the pages.

## Limits

A token may make so many requests at once and so many per second; every reply tells what is left in its \`x-ratelimit-*\` headers. A request beyond that is \`rate_limit_exceeded\`, with \`retry-after\`.

## Streams

\`"stream": true\` gives an event stream (\`text/event-stream\`): \`data:\` lines with JSON, then \`data: [DONE]\`. While the model is silent, a comment (\`: ping\`) comes every 15 seconds; clients for event streams skip it by themselves. An answer is complete when every choice has its \`finish_reason\` and \`[DONE]\` came. If something fails after the stream began, its last event is an error, and there is no \`[DONE]\`.

## Errors

Every error has the same form, in a reply as in a stream: see the schema \`Error\`. \`code\` is for programs and never changes its meaning, \`message\` is for people, and \`param\` names the field at fault. \`GET /errors\` lists all codes. Where trying again can help, the reply has \`retry-after\` and \`retry-after-ms\`; where it cannot, \`x-should-retry: false\`. Beyond what the operations list, an unknown path is 404 \`route_not_found\`, and a method that a path does not have is 405 \`method_not_allowed\`, with the methods that it has in \`allow\`. \`HEAD\` is answered wherever \`GET\` is.

## Tracing a request

Every request may carry an \`X-Request-Id\` of its own. The reply repeats it, and the log and the upstream know the request by it.
`.trim();

export const TAGS = {
  'Stateless chat': 'OpenAI Chat Completions, verbatim: point any OpenAI SDK at `/v1`.',
  Models: 'What can be asked for, what it can do, and who answers.',
  'Conversational chat':
    'One message per call. The gateway keeps the history and sends it to the model byte for byte as before, so that the engine finds it in its KV cache.',
  Conversations: 'What is remembered: list, read, rename, branch, export, import, delete.',
  Turns: 'A turn is one question and its answer. It runs by itself: look at it, resume it, end it.',
  Service: 'Health, readiness, metrics, errors, and this document.',
  Pages: 'For people.',
} as const;

export type TagName = keyof typeof TAGS;
