// The request of the page as code that runs as it is: curl, Python and TypeScript, with the token in the environment.

export type Language = 'curl' | 'python' | 'typescript';
export type Api = 'c1' | 'v1';

export interface SnippetRequest {
  readonly api: Api;
  /** The gateway's address, without a slash at its end. */
  readonly origin: string;
  readonly body: object;
}

const PATHS = { c1: '/c1/chat', v1: '/v1/chat/completions' } as const;

const WRITERS: Record<Api, Record<Language, (request: SnippetRequest) => string>> = {
  c1: { curl, python, typescript },
  v1: { curl, python: pythonSdk, typescript: typescriptSdk },
};

export function snippet(language: Language, request: SnippetRequest): string {
  return WRITERS[request.api][language](request);
}

/** A body to look at: pictures, which are long, are cut. */
export function shortened(body: object): object {
  return JSON.parse(
    JSON.stringify(body, (_, value: unknown) =>
      typeof value === 'string' && value.length > 300 && value.startsWith('data:image/')
        ? `${value.slice(0, 60)}…`
        : value,
    ),
  ) as object;
}

function curl({ api, origin, body }: SnippetRequest): string {
  return `curl -N ${origin}${PATHS[api]} \\
  -H "Authorization: Bearer $BEARER" \\
  -H 'Content-Type: application/json' \\
  --data-binary @- <<'JSON'
${JSON.stringify(body, null, 2)}
JSON
`;
}

function python({ api, origin, body }: SnippetRequest): string {
  return `import json, os, sys, urllib.request

body = ${pythonLiteral(body)}
request = urllib.request.Request(
    ${JSON.stringify(`${origin}${PATHS[api]}`)},
    data=json.dumps(body).encode(),
    headers={
        "Authorization": "Bearer " + os.environ["BEARER"],
        "Content-Type": "application/json",
    },
)
with urllib.request.urlopen(request) as reply:
    print("conversation_id:", reply.headers["x-conversation-id"], file=sys.stderr)
    for line in reply:
        if not line.startswith(b"data: {"):
            continue
        event = json.loads(line[6:])
        if "error" in event:
            raise SystemExit(event["error"]["message"])
        for choice in event["choices"]:
            print(choice["delta"].get("content") or "", end="", flush=True)
`;
}

function pythonSdk({ origin, body }: SnippetRequest): string {
  const members = Object.entries(body).map(
    ([key, value]) => `    ${key}=${pythonLiteral(value, '    ')},\n`,
  );
  return `# pip install openai
import os
from openai import OpenAI

client = OpenAI(base_url=${JSON.stringify(`${origin}/v1`)}, api_key=os.environ["BEARER"])
stream = client.chat.completions.create(
${members.join('')})
for chunk in stream:
    for choice in chunk.choices:
        print(choice.delta.content or "", end="", flush=True)
`;
}

function typescript({ api, origin, body }: SnippetRequest): string {
  return `const reply = await fetch(${quoted(`${origin}${PATHS[api]}`)}, {
  method: 'POST',
  headers: {
    Authorization: \`Bearer \${process.env.BEARER}\`,
    'Content-Type': 'application/json',
  },
  body: JSON.stringify(${indented(scriptLiteral(body), '  ')}),
});
if (!reply.ok || !reply.body) throw new Error(await reply.text());
console.error('conversation_id:', reply.headers.get('x-conversation-id'));
let rest = '';
for await (const text of reply.body.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + text).split('\\n');
  rest = lines.pop() ?? '';
  for (const line of lines) {
    if (!line.startsWith('data: {')) continue;
    const event = JSON.parse(line.slice(6));
    if (event.error) throw new Error(event.error.message);
    process.stdout.write(event.choices[0]?.delta.content ?? '');
  }
}
`;
}

function typescriptSdk({ origin, body }: SnippetRequest): string {
  return `// npm install openai
import OpenAI from 'openai';

const client = new OpenAI({
  baseURL: ${quoted(`${origin}/v1`)},
  apiKey: process.env.BEARER,
});
const stream = await client.chat.completions.create(${scriptLiteral(body)});
for await (const chunk of stream) {
  process.stdout.write(chunk.choices[0]?.delta.content ?? '');
}
`;
}

/** JSON's strings are Python's, too. */
function pythonLiteral(value: unknown, indent = ''): string {
  const inner = `${indent}    `;
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    return `[\n${value.map((item) => `${inner}${pythonLiteral(item, inner)},\n`).join('')}${indent}]`;
  }
  if (typeof value === 'object') {
    const members = Object.entries(value);
    if (members.length === 0) return '{}';
    return `{\n${members.map(([key, member]) => `${inner}${JSON.stringify(key)}: ${pythonLiteral(member, inner)},\n`).join('')}${indent}}`;
  }
  return JSON.stringify(value);
}

function scriptLiteral(body: object): string {
  // Keys that are names need no quotes: it is code to be read.
  return JSON.stringify(body, null, 2).replaceAll(/^(\s*)"([a-z_]\w*)": /gim, '$1$2: ');
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function indented(text: string, by: string): string {
  return text.replaceAll('\n', `\n${by}`);
}
