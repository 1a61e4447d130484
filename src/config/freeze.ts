// A configuration is a snapshot: whoever holds it may rely on it, so nothing in it can be changed.

/** Freezes a value and all that it holds, and returns it. */
export function freezeDeeply<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const member of Object.values(value)) freezeDeeply(member);
  return value;
}
