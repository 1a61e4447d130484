// What every adapter of the store must keep to, as a suite that each adapter's test runs on itself.
import { afterAll, beforeAll, describe } from 'bun:test';
import { acceptanceContract } from './contract/acceptance.ts';
import { archiveContract } from './contract/archives.ts';
import { branchContract } from './contract/branches.ts';
import { cancelContract } from './contract/cancelling.ts';
import { contentContract } from './contract/content.ts';
import { forkContract } from './contract/forks.ts';
import { goingOnContract } from './contract/going-on.ts';
import { listingContract } from './contract/listing.ts';
import { removalContract } from './contract/removal.ts';
import type { Opener, StoreUnderTest } from './contract/samples.ts';
import { turnContract } from './contract/turns.ts';

export function storeContract(name: string, open: Opener): void {
  describe(`${name} keeps the store's contract:`, () => {
    let opened: StoreUnderTest;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.discard());
    const store = () => opened.store;
    acceptanceContract(store);
    goingOnContract(store, () => opened.neighbour);
    turnContract(store);
    cancelContract(store, () => opened.neighbour);
    branchContract(store);
    forkContract(store);
    archiveContract(store);
    contentContract(store);
    listingContract(store);
    removalContract(store);
  });
}
