import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { membersOf, valuePlace } from './members.ts';

test('the place of one value is the one that it has among all members, however its key is written', () => {
  const keys = fc.constantFrom('model', 'mode', 'm', '', 'models', 'id', 'é"\\');
  const objects = fc.array(fc.tuple(keys, fc.jsonValue({ maxDepth: 2 })), { maxLength: 6 });
  const escaped = (key: string) =>
    `"\\u${key.charCodeAt(0).toString(16).padStart(4, '0')}${JSON.stringify(key.slice(1)).slice(1)}`;
  fc.assert(
    fc.property(objects, keys, fc.boolean(), (members, wanted, isEscaped) => {
      const pairs = members.map(([key, value]) => {
        const written = isEscaped && key !== '' ? escaped(key) : JSON.stringify(key);
        return `${written} : ${JSON.stringify(value)}`;
      });
      const text = ` { ${pairs.join(' , ')} } `;
      const member = membersOf(text).find(({ key }) => key === wanted);
      expect(valuePlace(text, wanted)).toEqual(member && [member.valueStart, member.valueEnd]);
    }),
  );
});
