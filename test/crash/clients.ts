// The clients of a crash run: each does one thing after another, chosen at random, until its gateway is gone.
import type { StoredConversation } from '../harness/c1.ts';
import type { Ask, SeenConversation, SeenTurn, TerminalStatus } from './book.ts';
import { MARK } from './engine.ts';
import { Gone, type Life } from './life.ts';
import type { Random } from '../harness/random.ts';

export interface Client {
  readonly life: Life;
  readonly random: Random;
  readonly newMark: () => string;
  /** Between two deeds, at most. */
  readonly thinkMs?: number;
}

type Operation = (client: Client) => Promise<void>;

const OPERATIONS: readonly (readonly [weight: number, operation: Operation])[] = [
  [5, begin],
  [6, goOn],
  [5, repeat],
  [5, resume],
  [2, cancel],
  [2, branch],
  [1, race],
  [1, copy],
  [1, remove],
];
const CHOICES = OPERATIONS.flatMap(([weight, operation]) =>
  Array<Operation>(weight).fill(operation),
);

/** Beyond so many turns a conversation is left alone, so that prompts stay small. */
const LONGEST = 12;

/** Returns when the gateway is gone. */
export async function runClient(client: Client): Promise<void> {
  try {
    while (!client.life.isOver) {
      await (client.random.pick(CHOICES) ?? begin)(client);
      if (client.thinkMs !== undefined) await Bun.sleep(client.random.below(client.thinkMs + 1));
    }
  } catch (error) {
    if (!(error instanceof Gone)) throw error;
  }
}

async function begin(client: Client): Promise<void> {
  await send(newAsk(client, null, {}), client);
}

async function goOn(client: Client): Promise<void> {
  const conversation = someConversation(client);
  if (conversation && conversation.turns.length < LONGEST)
    await send(newAsk(client, conversation, {}), client);
  else await begin(client);
}

/** Regenerates an answer, or says something else instead of what was said. */
async function branch(client: Client): Promise<void> {
  const { life, random } = client;
  const conversation = someConversation(client);
  if (!conversation || conversation.turns.length >= LONGEST) return;
  const response = await life.request(`/c1/conversations/${conversation.id}`);
  const text = await life.text(response);
  if (response.status === 404 && conversation.deleted !== 'no') return;
  if (response.status !== 200) life.book.fault(`${conversation.id} is ${response.status} ${text}`);
  const { messages } = JSON.parse(text) as StoredConversation;
  const said = random.pick(messages.filter(({ role }) => role === 'user'));
  if (!said) return;
  const again = random.chance(0.5);
  const more = again ? { parent: said.id, message: undefined } : { parent: said.parent };
  await send(newAsk(client, conversation, more), client);
}

/** The same request with the same key: while it runs, after its end, and after a crash that nobody knows it survived. */
async function repeat(client: Client): Promise<void> {
  const { life, random } = client;
  const ask = random.pick(
    life.book.asks
      .slice(-40)
      .filter(({ key, turn, conversation }) => key !== null && isKept(turn, conversation)),
  );
  if (!ask) return;
  life.book.counts.retries++;
  await send(ask, client);
}

/** From any frame that somebody has seen, by either way of saying which. */
async function resume(client: Client): Promise<void> {
  const { life, random } = client;
  const turn = someTurn(client);
  if (!turn) return;
  const seen = random.below(turn.frames.length + 1) - 1;
  const url = `/c1/turns/${turn.id}/events`;
  const response = random.chance(0.5)
    ? await life.request(url, { headers: { 'last-event-id': `${turn.id}.${seen}` } })
    : await life.request(`${url}?after=${seen}`);
  if (response.status !== 200) {
    const text = await life.text(response);
    if (turn.conversation.deleted === 'no')
      life.book.fault(`${turn.id} cannot be resumed: ${response.status} ${text}`);
    return;
  }
  life.book.counts.resumes++;
  const leaveAfter = random.chance(0.3) ? 1 + random.below(6) : null;
  await life.readEvents(turn, response, { next: seen + 1, leaveAfter });
}

async function cancel(client: Client): Promise<void> {
  const { life } = client;
  const turn = someTurn(client);
  if (!turn) return;
  const response = await life.request(`/c1/turns/${turn.id}/cancel`, { method: 'POST' });
  const text = await life.text(response);
  if (response.status === 200) {
    const { status } = JSON.parse(text) as { status: TerminalStatus };
    life.book.touched.add(turn.ask);
    if (['completed', 'failed', 'cancelled'].includes(status)) life.book.sawEnd(turn, status);
    else life.book.fault(`${turn.id} is ${status} after it was cancelled`);
  } else if (turn.conversation.deleted === 'no') {
    life.book.fault(`${turn.id} cannot be cancelled: ${response.status} ${text}`);
  }
}

/** Two messages to one conversation at once: one of them is the next turn, and the other comes after it or is refused. */
async function race(client: Client): Promise<void> {
  const conversation = someConversation(client);
  if (!conversation || conversation.turns.length >= LONGEST) return;
  await Promise.all([0, 1].map(() => send(newAsk(client, conversation, {}), client)));
}

/** A fork has the messages of its source, an export each of them on a line; then the fork is deleted. */
async function copy(client: Client): Promise<void> {
  const { life } = client;
  const source = someConversation(client);
  if (!source) return;
  const isThere = () => source.deleted === 'no';
  const forked = await life.request(`/c1/conversations/${source.id}/fork`, { method: 'POST' });
  const text = await life.text(forked);
  if (forked.status !== 201) {
    // A conversation whose first turn runs or has failed has nothing to share yet.
    const { error } = JSON.parse(text) as { error: { code: string } };
    if (isThere() && error.code !== 'invalid_field')
      life.book.fault(`${source.id} cannot be forked: ${text}`);
    return;
  }
  const { id, message_count } = JSON.parse(text) as StoredConversation;
  const path = `/c1/conversations/${id}`;
  const [shown, lines] = await Promise.all(
    [path, `${path}/export`].map(async (to) => await life.text(await life.request(to))),
  );
  const { messages } = JSON.parse(shown ?? '') as StoredConversation;
  const exported = (lines ?? '').trim().split('\n').slice(1).join('\n');
  if (messages.length !== message_count) life.book.fault(`${path} has ${messages.length} messages`);
  for (const message of messages) {
    if (!exported.includes(message.id))
      life.book.fault(`${message.id} is in no line of ${path}/export`);
  }
  const { status } = await life.request(path, { method: 'DELETE' });
  if (status !== 204) life.book.fault(`${path} cannot be deleted: ${status}`);
}

async function remove(client: Client): Promise<void> {
  const { life } = client;
  const conversation = someConversation(client);
  if (!conversation || conversation.keyedInFlight > 0) return;
  conversation.deleted = 'maybe';
  for (const { ask } of conversation.turns) life.book.touched.add(ask);
  const url = `/c1/conversations/${conversation.id}`;
  const response = await life.request(url, { method: 'DELETE' });
  if (response.status !== 204 && response.status !== 404)
    life.book.fault(`${conversation.id} cannot be deleted: ${response.status}`);
  conversation.deleted = 'yes';
  life.book.counts.deletes++;
}

function newAsk(
  { life, random, newMark }: Client,
  conversation: SeenConversation | null,
  more: { readonly message?: undefined; readonly parent?: string },
): Ask {
  const mark = newMark();
  const stream = random.chance(0.7);
  const question =
    'message' in more ? null : `question ${mark} ${'ä"\\ '.repeat(random.below(40))}`;
  const body = {
    model: 'test-model',
    [MARK]: mark,
    conversation_id: conversation?.id,
    message: question,
    stream,
    ...(random.chance(0.1) ? { on_disconnect: 'cancel' } : {}),
    ...more,
  };
  const ask: Ask = {
    mark,
    key: random.chance(0.7) ? mark : null,
    body: JSON.stringify(body),
    stream,
    question,
    conversation,
    turn: null,
  };
  life.book.asks.push(ask);
  return ask;
}

async function send(ask: Ask, { life, random }: Client): Promise<void> {
  life.book.touched.add(ask);
  const conversation = ask.turn?.conversation ?? ask.conversation;
  const headers: Record<string, string> = ask.key === null ? {} : { 'idempotency-key': ask.key };
  const leaveAfter = random.chance(0.25) ? 1 + random.below(10) : null;
  if (ask.key !== null && conversation) conversation.keyedInFlight++;
  try {
    const response = await life.request('/c1/chat', { body: ask.body, headers });
    await life.takeReply(ask, response, leaveAfter);
  } finally {
    if (ask.key !== null && conversation) conversation.keyedInFlight--;
  }
}

/** Once a conversation is deleted its keys are free, and would make new turns. */
function isKept(turn: SeenTurn | null, conversation: SeenConversation | null): boolean {
  return (turn?.conversation ?? conversation ?? { deleted: 'no' }).deleted === 'no';
}

/** Rather one that may still be running. */
function someTurn({ life, random }: Client): SeenTurn | undefined {
  const recent = life.book.asks
    .slice(-40)
    .flatMap(({ turn }) => (turn?.conversation.deleted === 'no' ? turn : []));
  const open = recent.filter(({ status }) => status === null);
  return random.pick(open.length > 0 && random.chance(0.6) ? open : recent);
}

function someConversation({ life, random }: Client): SeenConversation | undefined {
  const recent = life.book.asks
    .slice(-40)
    .flatMap(({ turn, conversation }) => turn?.conversation ?? conversation ?? []);
  return random.pick(recent.filter(({ deleted }) => deleted === 'no'));
}
