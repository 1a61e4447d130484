// Whether a reply is as the manual shows it: nothing that is shown is missing or of another kind.
import { ERROR_CATALOGUE, type ErrorCode } from '../../src/domain/error-catalogue.ts';

/**
 * '' if everything that is shown is there, else where it is not. Numbers may be others, and `…` stands for any text;
 * other texts, booleans and nulls are the same. Members that are not shown may be there.
 */
export function shows(shown: unknown, actual: unknown, at = '$'): string {
  if (Array.isArray(shown)) {
    if (!Array.isArray(actual)) return `${at} is no list`;
    return firstOf(
      shown.map((item: unknown, index) => shows(item, actual[index], `${at}[${index}]`)),
    );
  }
  if (typeof shown === 'object' && shown !== null) {
    if (typeof actual !== 'object' || actual === null) return `${at} is ${JSON.stringify(actual)}`;
    return firstOf(
      Object.entries(shown).map(([key, value]) =>
        key in actual
          ? shows(value, Reflect.get(actual, key), `${at}.${key}`)
          : `${at}.${key} is missing`,
      ),
    );
  }
  const same =
    typeof shown === 'string' && typeof actual === 'string'
      ? patternOf(shown).test(actual)
      : typeof shown === 'number'
        ? typeof actual === 'number'
        : shown === actual;
  return same ? '' : `${at} is ${JSON.stringify(actual)}`;
}

function firstOf(faults: readonly string[]): string {
  return faults.find((fault) => fault !== '') ?? '';
}

function patternOf(shown: string): RegExp {
  return new RegExp(
    `^${shown
      .split('…')
      .map((part) => RegExp.escape(part))
      .join('[^]*')}$`,
  );
}

/** The code of the error that a block of the manual shows, if it shows one. */
export function shownError(code: string): ErrorCode | undefined {
  const found = /"error":\s*\{[^]*?"code":\s*"(\w+)"/.exec(code)?.[1];
  if (found === undefined) return undefined;
  if (found in ERROR_CATALOGUE) return found as ErrorCode;
  throw new Error(`the manual shows an error ${found}, which is not in the catalogue`);
}
