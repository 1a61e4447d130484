// What is being written: sent, taken back to an earlier question, and given pictures.
import { problemsIn } from '../request/settings.ts';
import { imagesOf, textOf, type MessageNode, type ToolCall } from '../thread/message.ts';
import { pathTo } from '../thread/tree.ts';
import {
  attached,
  draft,
  drawer,
  editing,
  live,
  notice,
  settings,
  thread,
  toolResults,
} from './state.ts';
import { clearDraft, shownPath } from './thread.ts';
import { start } from './turns.ts';

const TYPES = ['image/png', 'image/jpeg', 'image/webp', 'image/gif'];
const MAX_BYTES = 15_000_000;

/** Sends what is written. False where there is nothing to send, or something stands against it. */
export function submit(): boolean {
  const text = draft.value.trim();
  const images = attached.value.map(({ url }) => url);
  if ((text === '' && images.length === 0) || isAnswering() || !settingsAreSound()) return false;
  start({ parent: placeOfNext(), isAgain: false, text, images, toolResults: [] });
  clearDraft();
  return true;
}

/** Sends what was typed in as the results of the tool calls at the end of the thread. */
export function submitResults(): void {
  const calls = openCalls();
  if (calls.length === 0 || isAnswering() || !settingsAreSound()) return;
  const results = calls.map(
    ({ id }) => toolResults.value.get(id) ?? { tool_call_id: id, content: '' },
  );
  start({ parent: thread.value.tip, isAgain: false, text: '', images: [], toolResults: results });
  clearDraft();
}

/** Answers a question again, beside the answers that it has. */
export function answerAgain(questionId: string): void {
  if (isAnswering() || !settingsAreSound()) return;
  start({ parent: questionId, isAgain: true, text: '', images: [], toolResults: [] });
}

export function edit(node: MessageNode): void {
  editing.value = node;
  draft.value = textOf(node);
  attached.value = imagesOf(node).map((url, at) => ({
    name: `picture ${at + 1}`,
    url,
    bytes: bytesIn(url),
  }));
  focusComposer();
}

export function cancelEdit(): void {
  clearDraft();
  focusComposer();
}

/** Takes back a question that was refused, to be changed. */
export function takeBack(): void {
  const refused = live.value;
  const question = refused?.questions.find(({ role }) => role === 'user');
  live.value = null;
  if (!question) return;
  draft.value = textOf(question);
  attached.value = imagesOf(question).map((url, at) => ({
    name: `picture ${at + 1}`,
    url,
    bytes: bytesIn(url),
  }));
  focusComposer();
}

export async function attach(files: Iterable<File>): Promise<void> {
  for (const file of files) {
    const refusal = refusalOf(file);
    if (refusal !== null) {
      notice.value = refusal;
      continue;
    }
    const url = await dataUri(file);
    attached.value = [...attached.value, { name: file.name, url, bytes: file.size }];
  }
}

export function detach(index: number): void {
  attached.value = attached.value.filter((_, at) => at !== index);
}

/** The tool calls that the thread ends with. */
export function openCalls(): readonly ToolCall[] {
  const last = shownPath(thread.value).at(-1);
  return last?.role === 'assistant' ? (last.tool_calls ?? []) : [];
}

export function isAnswering(): boolean {
  return live.value !== null && live.value.status.value !== 'failed';
}

export function focusComposer(): void {
  document.querySelector<HTMLTextAreaElement>('#composer')?.focus();
}

/** Under what the next message goes: beside the one that is edited, or at the end, past a question without answer. */
export function placeOfNext(): string | null {
  if (editing.value) return editing.value.parent;
  const { tree, tip } = thread.value;
  return pathTo(tree, tip).findLast(({ role }) => role === 'assistant')?.id ?? null;
}

function settingsAreSound(): boolean {
  const [problem] = problemsIn(settings.value);
  if (!problem) return true;
  notice.value = problem.message;
  drawer.value = 'settings';
  return false;
}

function refusalOf({ name, type, size }: File): string | null {
  if (!TYPES.includes(type))
    return `${name} is ${type === '' ? 'of an unknown type' : type}. Pictures can be PNG, JPEG, WebP or GIF.`;
  if (size > MAX_BYTES)
    return `${name} has ${shownBytes(size)}. Pictures can have ${shownBytes(MAX_BYTES)}.`;
  return null;
}

export function shownBytes(bytes: number): string {
  return bytes < 1_000_000
    ? `${Math.max(1, Math.round(bytes / 1000))} KB`
    : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function bytesIn(url: string): number {
  return Math.round(((url.length - url.indexOf(',')) * 3) / 4);
}

function dataUri(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener('load', () =>
      resolve(typeof reader.result === 'string' ? reader.result : ''),
    );
    reader.addEventListener('error', () => reject(reader.error));
    reader.readAsDataURL(file);
  });
}
