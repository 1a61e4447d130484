// Some servers quote the key that they were sent in their error messages. A provider behind this decorator never
// passes ours on, whatever it fails with.
import { GatewayError } from '../domain/errors.ts';
import { through } from '../domain/stages.ts';
import type { ChatEvent, Provider, Target } from './provider.ts';

export function withholdCredentials(provider: Provider): Provider {
  return {
    async ask(target, call, signal) {
      try {
        const reply = await provider.ask(target, call, signal);
        if (reply.kind === 'json') return reply;
        return { kind: 'stream', events: guarded(reply.events, target) };
      } catch (error) {
        throw withoutSecrets(error, target);
      }
    },
  };
}

function guarded(
  events: AsyncGenerator<readonly ChatEvent[], void>,
  target: Target,
): AsyncGenerator<readonly ChatEvent[], void> {
  return through<readonly ChatEvent[], readonly ChatEvent[]>(events, {
    take: (batch) => batch,
    shortcut: (sink) => sink.shortcut?.(),
    failed(error) {
      throw withoutSecrets(error, target);
    },
  });
}

function withoutSecrets(error: unknown, { headers }: Target): unknown {
  if (!(error instanceof GatewayError)) return error;
  const secrets = Object.values(headers).map((value) => value.replace(/^Bearer /, ''));
  const told = secrets
    .filter((secret) => secret !== '' && error.message.includes(secret))
    .reduce((message, secret) => message.replaceAll(secret, '***'), error.message);
  return told === error.message ? error : error.with({ message: told });
}
