import { expect, test } from 'bun:test';
import { collectWhenIdle } from './collect-when-idle.ts';

function started() {
  const state = { open: 0, bytes: 100, collected: 0 };
  const collector = collectWhenIdle({
    openWork: () => state.open,
    residentBytes: () => state.bytes,
    collect() {
      state.collected++;
      state.bytes = 105;
    },
  });
  collector.close();
  const look = (times: number) => {
    for (let count = 0; count < times; count++) collector.look();
  };
  return { state, look };
}

test('memory is collected once nothing has been served for a while and it has grown, and then not again', () => {
  const { state, look } = started();
  look(5);
  expect(state.collected).toBe(0);
  state.bytes = 200;
  look(1);
  expect(state.collected).toBe(1);
  look(20);
  expect(state.collected).toBe(1);
});

test('not while anything is being served, however much it has grown', () => {
  const { state, look } = started();
  state.bytes = 500;
  for (let count = 0; count < 10; count++) {
    state.open = 1;
    look(1);
    state.open = 0;
    look(1);
  }
  expect(state.collected).toBe(0);
  look(1);
  expect(state.collected).toBe(1);
});
