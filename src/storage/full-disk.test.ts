// A disk that is really full: needs a small file system of its own, so it runs where one can be mounted.
import { expect, test } from 'bun:test';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { firstTurn, newNode, newScope, refusedBy } from '../conversations/contract/samples.ts';
import type { AcceptTurn } from '../conversations/store.ts';
import { newPlace } from './testing/places.ts';

const mayMount = await (async () => {
  await using place = newPlace();
  const mounted = mount(place.directory, '1m');
  return mounted && unmount(place.directory);
})();

test.skipIf(!mayMount)(
  'a disk that fills up refuses writes and nothing else, and takes them again when there is room',
  async () => {
    await using place = newPlace();
    const directory = dirname(place.path);
    mkdirSync(directory);
    expect(mount(directory, '2m')).toBe(true);
    try {
      const store = await place.open('full');
      const kept: AcceptTurn[] = [];
      let refused: unknown = null;
      for (let i = 0; i < 40 && refused === null; i += 1) {
        const turn = large();
        refused = await store.accept(turn).then(
          () => (kept.push(turn), null),
          (error: unknown) => error,
        );
      }
      expect(refused).toMatchObject({ code: 'storage_unavailable' });
      expect(String(refused)).toContain('The disk that holds the conversations is full');
      expect(await refusedBy(store.accept(large()))).toMatchObject({ code: 'storage_unavailable' });
      for (const { scope, turnId } of kept) {
        expect(await store.turn(scope, turnId)).toMatchObject({ status: 'accepted' });
      }
      expect(mount(directory, '16m', 'remount,')).toBe(true);
      expect(await store.accept(large())).toEqual({ outcome: 'accepted' });
      await store.probe();
      await store.close();
    } finally {
      unmount(directory);
    }
  },
);

function large(): AcceptTurn {
  return firstTurn(newScope(), { input: [newNode(null, 'user', 'x'.repeat(100_000))] });
}

function mount(directory: string, size: string, more = ''): boolean {
  const args = ['mount', '-t', 'tmpfs', '-o', `${more}size=${size}`, 'tmpfs', directory];
  return process.platform === 'linux' && Bun.which('mount') !== null && succeeds(args);
}

function unmount(directory: string): boolean {
  return succeeds(['umount', directory]);
}

function succeeds(args: string[]): boolean {
  return Bun.spawnSync(args, { stderr: 'ignore' }).exitCode === 0;
}
