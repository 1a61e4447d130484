// Exact arithmetic on expressions such as "2 * (3.5 - 1) ^ 2": a recursive descent parser over fractions of big
// integers. Fractions, because an engine that says 0.1 + 0.2 = 0.30000000000000004 would be a poor calculator.

interface Fraction {
  readonly over: bigint;
  readonly under: bigint;
}

export type Outcome =
  | { readonly kind: 'value'; readonly text: string; readonly exact: boolean }
  | { readonly kind: 'undefined'; readonly why: string };

/** Bits that a power may have: about 1,200 digits. Expressions come from strangers. */
const MAX_BITS = 4_096;
const DECIMALS = 10n;

class Undefined extends Error {}

/** The value of an expression, or undefined where the text is no complete expression with an operator. */
export function evaluate(expression: string): Outcome | undefined {
  const tokens = lex(expression);
  if (tokens === undefined || !tokens.slice(1).some((token) => /^[-+*/^]$/.test(token))) {
    return undefined;
  }
  const parser = { tokens, at: 0 };
  try {
    const value = sum(parser);
    return parser.at === tokens.length ? { kind: 'value', ...format(value) } : undefined;
  } catch (error) {
    if (error instanceof Undefined) return { kind: 'undefined', why: error.message };
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** An expression as it is shown: "17*23" is "17 * 23". */
export function spaced(expression: string): string {
  const tokens = lex(expression) ?? [];
  let text = '';
  for (const [index, token] of tokens.entries()) {
    const before = tokens[index - 1];
    const unary = token === '-' && (before === undefined || /^[-+*/^(]$/.test(before));
    text += /^[-+*/^]$/.test(token) && !unary ? ` ${token} ` : token;
  }
  return text;
}

interface Parser {
  readonly tokens: readonly string[];
  at: number;
}

function lex(expression: string): string[] | undefined {
  const tokens = expression.match(/\d+(?:\.\d+)?|\.\d+|[-+*/^()]|\S/g) ?? [];
  return tokens.every((token) => /^(?:[\d.]+|[-+*/^()])$/.test(token)) ? tokens : undefined;
}

function sum(parser: Parser): Fraction {
  let value = product(parser);
  for (let sign = take(parser, '+-'); sign !== undefined; sign = take(parser, '+-')) {
    const right = product(parser);
    const over = sign === '+' ? right.over : -right.over;
    value = reduced(value.over * right.under + over * value.under, value.under * right.under);
  }
  return value;
}

function product(parser: Parser): Fraction {
  let value = signed(parser);
  for (let sign = take(parser, '*/'); sign !== undefined; sign = take(parser, '*/')) {
    const right = signed(parser);
    value =
      sign === '*'
        ? reduced(value.over * right.over, value.under * right.under)
        : reduced(value.over * right.under, value.under * right.over);
  }
  return value;
}

function signed(parser: Parser): Fraction {
  if (take(parser, '-') === undefined) return power(parser);
  const value = signed(parser);
  return { over: -value.over, under: value.under };
}

function power(parser: Parser): Fraction {
  const base = atom(parser);
  if (take(parser, '^') === undefined) return base;
  const exponent = signed(parser);
  if (exponent.under !== 1n) throw new Undefined('I only take whole powers');
  const size = exponent.over < 0n ? -exponent.over : exponent.over;
  const bits = BigInt(Math.max(base.over.toString(2).length, base.under.toString(2).length));
  if (size * bits > MAX_BITS) throw new Undefined('the result is too large for me');
  const [over, under] = [base.over ** size, base.under ** size];
  return exponent.over < 0n ? reduced(under, over) : { over, under };
}

function atom(parser: Parser): Fraction {
  const token = parser.tokens[parser.at];
  parser.at += 1;
  if (token === '(') {
    const value = sum(parser);
    if (take(parser, ')') === undefined) throw new SyntaxError('unclosed parenthesis');
    return value;
  }
  if (token === undefined || !/\d/.test(token)) throw new SyntaxError('a number was expected');
  const [whole = '', decimals = ''] = token.split('.');
  return reduced(BigInt(whole + decimals), 10n ** BigInt(decimals.length));
}

function take(parser: Parser, wanted: string): string | undefined {
  const token = parser.tokens[parser.at];
  if (token === undefined || !wanted.includes(token)) return undefined;
  parser.at += 1;
  return token;
}

function reduced(over: bigint, under: bigint): Fraction {
  if (under === 0n) throw new Undefined('division by zero is undefined');
  let [one, other] = [over < 0n ? -over : over, under < 0n ? -under : under];
  while (other !== 0n) [one, other] = [other, one % other];
  const divisor = under < 0n ? -one : one;
  return { over: over / divisor, under: under / divisor };
}

function format({ over, under }: Fraction): { text: string; exact: boolean } {
  const scale = 10n ** DECIMALS;
  const size = over < 0n ? -over : over;
  const scaled = (2n * size * scale + under) / (2n * under);
  const decimals = (scaled % scale).toString().padStart(Number(DECIMALS), '0').replace(/0+$/, '');
  const sign = over < 0n ? '-' : '';
  const text = `${sign}${scaled / scale}${decimals === '' ? '' : `.${decimals}`}`;
  return { text, exact: scaled * under === size * scale };
}
