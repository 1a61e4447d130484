import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { createWeighedMap } from './weighed-map.ts';

const LIMITS = { mostInAll: 100, mostEach: 40 };

test('a map by weight never holds more than it may, and of what fits the youngest', () => {
  const step = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), fc.nat(50), fc.boolean());
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const map = createWeighedMap<number>(LIMITS);
      // What was set, youngest last.
      let model: { key: string; weight: number; nth: number }[] = [];
      for (const [nth, [key, weight, isDeleted]] of steps.entries()) {
        model = model.filter((one) => one.key !== key);
        if (isDeleted) map.delete(key);
        else {
          map.set(key, nth, weight);
          if (weight <= LIMITS.mostEach) model.push({ key, weight, nth });
        }
        while (model.reduce((sum, one) => sum + one.weight, 0) > LIMITS.mostInAll) model.shift();
        const held = new Map(model.map((one) => [one.key, one.nth]));
        for (const each of 'abcdef') expect(map.get(each)).toBe(held.get(each));
      }
      map.clear();
      map.set('a', 1, LIMITS.mostEach);
      expect(map.get('a')).toBe(1);
    }),
  );
});
