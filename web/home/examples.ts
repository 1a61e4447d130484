// The first thing to try, as the first page shows it. test/docs-examples.test.ts runs it.
import type { CodeBlock } from '../code/code.ts';

export const EXAMPLES: readonly CodeBlock[] = [
  {
    language: 'bash',
    code: `curl http://127.0.0.1:3000/c1/chat \\
  -H "Authorization: Bearer $BEARER" \\
  -H 'Content-Type: application/json' \\
  -d '{"model":"llama-4-scout","message":"Hello!"}'`,
  },
  {
    language: 'python',
    code: `import os
from openai import OpenAI

client = OpenAI(base_url="http://127.0.0.1:3000/v1", api_key=os.environ["BEARER"])
reply = client.chat.completions.create(
    model="llama-4-scout",
    messages=[{"role": "user", "content": "Hello!"}],
)
print(reply.choices[0].message.content)`,
  },
  {
    language: 'ts',
    code: `import { createChatClient } from 'dgx-chat-gateway/client';

const token = process.env.BEARER ?? '';
const client = createChatClient({ baseUrl: 'http://127.0.0.1:3000', token });
const turn = client.send({ model: 'llama-4-scout', message: 'Hello!' });
for await (const text of turn) process.stdout.write(text);`,
  },
];
