// In which order an alias's targets are tried: as configured, with those that the last probe found down at the end.
import { GatewayError } from '../domain/errors.ts';
import type { Target } from '../providers/provider.ts';
import type { Alias } from './catalog.ts';
import type { Health } from './health.ts';

/**
 * The targets of `alias` in the order of trying; only those at `provider` where one is named.
 * A provider that does not serve the alias is `invalid_field`.
 */
export function planTargets(
  alias: Alias,
  health: Pick<Health, 'of'>,
  provider: string | null = null,
): [Target, ...Target[]] {
  const candidates =
    provider === null
      ? alias.targets
      : alias.targets.filter(({ upstream }) => upstream === provider);
  const isDown = ({ upstream }: Target) => health.of(upstream)?.healthy === false;
  const [first, ...rest] = candidates.toSorted((a, b) => Number(isDown(a)) - Number(isDown(b)));
  if (first) return [first, ...rest];
  const known = [...new Set(alias.targets.map(({ upstream }) => upstream))].join(', ');
  throw new GatewayError('invalid_field', {
    message: `The provider ${JSON.stringify(provider)} does not serve "${alias.name}". Choose one of: ${known}.`,
    param: 'provider',
  });
}
