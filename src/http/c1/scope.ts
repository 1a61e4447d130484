// Whose conversations a request may touch: the token's owner, narrowed to one end user where one is named.
import { z } from 'zod';
import type { Principal } from '../../access/credentials.ts';
import type { Scope } from '../../conversations/conversation.ts';

export const userIdShape = z.string().min(1).max(256);

export function scopeOf(principal: Principal | undefined, userId: string | null): Scope {
  // Every /c1 route is behind the token; a scope without an owner would be everybody's.
  if (!principal) throw new TypeError('a conversation route was reached without a principal');
  return { owner: principal.owner, userId };
}
