// What a client is to the runner, and the two ways in which clients come: a program that uses an SDK, and an agent that
// is given a task.
import type { UpstreamScript } from '../harness/fake-upstream.ts';
import { createAgentModel, finalText, type AgentTools } from './agent-model.ts';
import type { Packages } from './install.ts';

/** Where a client runs: an own home, a work folder in it, and nothing else of this machine. */
export interface Place {
  /** The gateway, with /v1. */
  readonly baseUrl: string;
  readonly token: string;
  readonly home: string;
  readonly work: string;
  /** Where its packages are. */
  readonly folder: string;
  /** The file that an agent is to read, and the one that it is to write. */
  readonly input: string;
  readonly output: string;
}

export interface Command {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Client {
  readonly name: string;
  readonly packages: Packages;
  /** What answers the alias `agent`. */
  model?(files: Pick<Place, 'input' | 'output'>): UpstreamScript;
  /** Files that it needs, by path. */
  files?(place: Place): Readonly<Record<string, string>>;
  /** Run one after another. */
  commands(place: Place): readonly Command[];
  /** What of its output, and of its files, is not as it must be; and what it did. */
  judge(ran: Ran): Verdict;
}

export interface Ran {
  /** Of the last command. */
  readonly stdout: string;
  readonly secret: string;
  /** What is in the file that an agent is to write; null where there is none. */
  readonly written: string | null;
  /** How many requests named each model. */
  readonly asked: Readonly<Record<string, number>>;
}

export interface Verdict {
  readonly did: string;
  readonly faults: readonly string[];
}

export const TASK = 'Copy the secret from input.txt to output.txt.';

export interface SdkOptions {
  readonly name: string;
  readonly packages: Packages;
  /** In programs/. */
  readonly program: string;
  /** How often each model must have been asked: retries are seen by this. */
  readonly asks: Readonly<Record<string, number>>;
}

/** A program that prints a line of JSON for each of its checks. */
export function sdk({ name, packages, program, asks }: SdkOptions): Client {
  const interpreter = ({ folder }: Place) => {
    if (program.endsWith('.py')) return `${folder}/venv/bin/python`;
    return program.endsWith('.sh') ? 'bash' : 'node';
  };
  return {
    name,
    packages,
    commands: (place) => [
      {
        argv: [interpreter(place), `${place.folder}/${program}`],
        env: { BASE_URL: place.baseUrl, API_KEY: place.token },
      },
    ],
    judge({ stdout, asked }) {
      const checks = stdout
        .split('\n')
        .filter((line) => line.startsWith('{"name"'))
        .map((line) => JSON.parse(line) as { name: string; ok: boolean; why?: string });
      const failed = checks.filter(({ ok }) => !ok).map((check) => `${check.name}: ${check.why}`);
      const wrong = Object.entries(asks)
        .filter(([model, times]) => asked[model] !== times)
        .map(([model, times]) => `${model} was asked ${asked[model] ?? 0} times, not ${times}`);
      const none = checks.length === 0 ? ['it checked nothing'] : [];
      return { did: `${checks.length} checks`, faults: [...none, ...failed, ...wrong] };
    },
  };
}

export interface AgentOptions extends Pick<Client, 'name' | 'packages' | 'files' | 'commands'> {
  tools(files: Pick<Place, 'input' | 'output'>): AgentTools;
}

/** An agent that copies a secret from one file to another with its own tools. */
export function agent({ tools, ...rest }: AgentOptions): Client {
  return {
    ...rest,
    model: (files) => createAgentModel(tools(files)),
    judge: ({ stdout, secret, written }) => ({
      did: 'read a file, wrote a file, reported',
      faults: [
        ...(written?.trim() === secret ? [] : [`output.txt has ${JSON.stringify(written)}`]),
        ...(stdout.includes(finalText(secret)) ? [] : ['the last answer is not in its output']),
      ],
    }),
  };
}
