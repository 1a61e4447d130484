// Marks, epochs, assembling and inline images.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { sealNode } from '../conversations/node.ts';
import type { ConversationNode, RenderProfile } from '../conversations/conversation.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Role } from '../domain/message.ts';
import { assembleMessages, toolCallIds } from './assemble.ts';
import { fillMarks, markImages, wellFormedJson } from './blob-mark.ts';
import { nextEpoch, sameJson } from './epoch.ts';
import { checkDataUri, readDataUri } from './image-data.ts';

const PNG = `data:image/png;base64,${Buffer.from('\x89PNG\r\n\x1a\nrest', 'latin1').toString('base64')}`;
const GIF = `data:image/gif;base64,${Buffer.from('GIF89a').toString('base64')}`;
const part = (url: string, more: object = {}) => ({
  type: 'image_url',
  image_url: { url, ...more },
});

function refusal(act: () => unknown): [string, string | null] {
  try {
    act();
  } catch (error) {
    if (error instanceof GatewayError) return [error.code, error.param];
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('marks', () => {
  test('stand for images, and filling them gives the identical JSON back', () => {
    const content = [
      { type: 'text', text: 'x' },
      part(PNG, { detail: 'low' }),
      part(GIF),
      part(PNG),
    ];
    const { json, blobs } = markImages(content, 'message');
    expect(json).not.toContain('base64');
    expect(blobs.map(({ mime }) => mime)).toEqual(['image/png', 'image/gif', 'image/png']);
    expect(blobs[0]?.sha256).toBe(blobs[2]?.sha256 ?? '');
    const filled = fillMarks(json, new Map(blobs.map((blob) => [blob.sha256, blob])));
    expect(filled).toBe(JSON.stringify(content));
  });

  test('cannot be forged: any text comes back as it was', () => {
    const { blobs } = markImages([part(PNG)], 'message');
    const known = new Map(blobs.map((blob) => [blob.sha256, blob]));
    const hash = blobs[0]?.sha256 ?? '';
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.constant(`\u0000${hash}\u0000`)),
        (text) => {
          const { json } = markImages([{ type: 'text', text }, part(PNG)], 'message');
          expect(JSON.parse(fillMarks(json, known))).toEqual([{ type: 'text', text }, part(PNG)]);
        },
      ),
    );
  });

  test('without their image are an error, not a hole', () => {
    const { json } = markImages([part(GIF)], 'message');
    expect(() => fillMarks(json, new Map())).toThrow('is missing');
  });

  test('well-formed JSON has no half characters, at any depth', () => {
    expect(wellFormedJson({ a: ['\ud800', { b: '\udc00x' }] })).toBe(
      '{"a":["\ufffd",{"b":"\ufffdx"}]}',
    );
  });
});

describe('inline images', () => {
  test.each([
    ['data:image/jpg;base64,/9j/', 'image/jpeg'],
    ['DATA:Image/PNG;charset=x;BASE64,iVBORw0KGgo=', 'image/png'],
    [`data:image/webp;base64,${Buffer.from('RIFF____WEBP').toString('base64')}`, 'image/webp'],
    [GIF, 'image/gif'],
  ])('%s is %s', (uri, mime) => {
    expect(readDataUri(uri, 'p').mime).toBe(mime);
  });

  test.each([
    ['https://x/y.png', 'image_url_not_supported'],
    ['', 'image_url_not_supported'],
    ['data:image/svg+xml;base64,PHN2Zz4=', 'image_decode_error'],
    ['data:image/png,iVBORw0KGgo=', 'image_decode_error'],
    ['data:image/png;base64', 'image_decode_error'],
    ['data:image/png;base64,', 'image_decode_error'],
    ['data:image/png;base64,iVBORw0KGgo', 'image_decode_error'],
    ['data:image/png;base64,iVBORw0KGg-=', 'image_decode_error'],
    ['data:image/png;base64,R0lGODlh', 'image_decode_error'],
  ])('%s is refused with its place', (uri, code) => {
    expect(refusal(() => readDataUri(uri, 'images[0]'))).toEqual([code, 'images[0]']);
    expect(refusal(() => checkDataUri(uri, 'images[0]'))).toEqual([code, 'images[0]']);
  });

  const photograph = Buffer.alloc(300_000, 'GIF89a').toString('base64');
  test.each([
    ['as it is', photograph, true],
    ['in lines', photograph.replaceAll(/.{76}/g, '$&\r\n'), true],
    ['after many spaces', ' '.repeat(200_000) + photograph, true],
    ['before many spaces', photograph + ' '.repeat(200_000), true],
    ['with a wrong character far inside', `${photograph.slice(0, 200_001)}*${photograph}`, false],
    ['with a padding inside', `${photograph.slice(0, 131_070)}==${photograph}`, false],
    ['that is cut', photograph.slice(0, -1), false],
    ['of another type', `AAAA${photograph}`, false],
  ])('a long one %s is judged alike, whether it is kept or not', (_, base64, isGood) => {
    const uri = `data:image/gif;base64,${base64}`;
    for (const look of [readDataUri, checkDataUri]) {
      if (isGood) expect(() => look(uri, 'p')).not.toThrow();
      else expect(refusal(() => look(uri, 'p'))).toEqual(['image_decode_error', 'p']);
    }
  });
});

describe('an epoch', () => {
  const asked = { model: 'm', system: null, tools: null, toolChoice: null, responseFormat: null };
  const after = (first: Partial<typeof pinned>, then: object) => {
    const { epoch } = nextEpoch(null, { ...asked, ...first });
    const next = nextEpoch({ epoch, head: 'node_1' }, { ...asked, ...then });
    const { ordinal, reason, profile } = next.epoch;
    return { isNew: next.isNew, ordinal, reason, profile, same: next.epoch === epoch };
  };
  const pinned: { system: string | null; tools: string | null; toolChoice: string | null } = {
    system: '{"role":"system","content":"s"}',
    tools: '[ {"type":"function","function":{"name":"f"}} ]',
    toolChoice: '"required"',
  };
  const respelt = '[{"function":{"name":"\\u0066"},"type":"function"}]';

  test('begins with what the first turn asks for, an empty list of tools being none', () => {
    const { epoch, isNew } = nextEpoch(null, { ...asked, tools: ' [ ] ' });
    expect(isNew).toBe(true);
    expect(epoch).toMatchObject({ ordinal: 0, reason: 'first', profile: { tools: null } });
  });

  test('goes on while nothing changes its meaning', () => {
    expect(after({}, {})).toMatchObject({ isNew: false, same: true });
    const { toolChoice } = pinned;
    expect(after(pinned, { toolChoice })).toMatchObject({ same: true });
    expect(after(pinned, { toolChoice, tools: respelt })).toMatchObject({ same: true });
    expect(after(pinned, { toolChoice, system: 'ignored here' })).toMatchObject({ same: true });
  });

  test.each([
    [{ model: 'other' }, 'model'],
    [{ tools: '[{"type":"function","function":{"name":"g"}}]' }, 'tools'],
    [{ tools: '[]' }, 'tools'],
    [{ toolChoice: '"none"' }, 'tool_choice'],
    [{ toolChoice: null }, 'tool_choice'],
    [{ responseFormat: '{"type":"json_object"}' }, 'response_format'],
  ])('ends when %j is asked for', (change, reason) => {
    const next = after(pinned, { toolChoice: pinned.toolChoice, ...change });
    expect(next).toMatchObject({ isNew: true, ordinal: 1, reason });
    expect(next.profile.system).toBe(pinned.system);
  });

  test('keeps the bytes of what did not change when something else did', () => {
    const { profile } = after(pinned, { tools: respelt, toolChoice: '"none"' });
    expect(profile.tools).toBe(pinned.tools);
  });

  test('compares JSON by meaning', () => {
    expect(sameJson('{"a":1,"b":[1,2]}', '{ "b": [1, 2], "a": 1.0 }')).toBe(true);
    expect(sameJson('[1,2]', '[2,1]')).toBe(false);
    expect(sameJson('{"a":null}', '{}')).toBe(false);
  });
});

describe('a prompt', () => {
  const profile: Pick<RenderProfile, 'system'> = { system: null };
  const chain = (...wires: string[]): ConversationNode[] => {
    let parent: ConversationNode | null = null;
    return wires.map((wire) => {
      const role = (JSON.parse(wire.replaceAll('\u0000', '')) as { role: Role }).role;
      const node = { role, wire, extra: null, text: '', blobs: [], createdAt: 0 };
      return (parent = sealNode(parent, node));
    });
  };
  const assemble = (...wires: string[]) => assembleMessages(profile, chain(...wires), new Map());
  const user = '{"role":"user",  "content":"q"}';
  const calling = (content: string | null) =>
    `{"role":"assistant","content":${JSON.stringify(content)},"tool_calls":[{"id":"a"},{"id":"b"}]}`;
  const result = (id: string) => `{"role":"tool","tool_call_id":"${id}","content":"r"}`;

  test('is the stored bytes and nothing else', () => {
    const answer = '{"role":"assistant","content":"a" }';
    expect(assemble(user, answer, user)).toBe(`[${user},${answer},${user}]`);
    const system = '{"role":"system","content":"s"}';
    expect(assembleMessages({ system }, chain(user), new Map())).toBe(`[${system},${user}]`);
  });

  test('has a call only with all of its results', () => {
    expect(assemble(user, calling(null))).toBe(`[${user},${calling(null)}]`);
    expect(assemble(user, calling(null), result('b'), result('a'))).toBe(
      `[${user},${calling(null)},${result('b')},${result('a')}]`,
    );
    expect(assemble(user, calling(null), user)).toBe(`[${user},${user}]`);
    expect(assemble(user, calling('I look.'), user)).toBe(
      `[${user},{"role":"assistant","content":"I look."},${user}]`,
    );
  });

  test('finds the call of a result that shows an image', () => {
    const { json, blobs } = markImages([part(PNG)], 'tool_results[0].content');
    const shown = `{"role":"tool","tool_call_id":"a","content":${json}}`;
    const nodes = chain(user, calling(null), shown, result('b'));
    const prompt = assembleMessages(
      profile,
      nodes,
      new Map(blobs.map((blob) => [blob.sha256, blob])),
    );
    expect(JSON.parse(prompt)).toHaveLength(4);
    expect(prompt).toContain(PNG);
  });

  test('is not misled by texts that look like calls', () => {
    expect(
      toolCallIds('{"role":"assistant","content":"\\"tool_calls\\":[{\\"id\\":\\"a\\"}]"}'),
    ).toEqual([]);
    expect(toolCallIds('{"role":"assistant","content":"tool_calls"}')).toEqual([]);
    expect(toolCallIds(calling('x'))).toEqual(['a', 'b']);
  });
});
