// Requests that no HTTP library sends: two readings of one request (smuggling), broken syntax, things that are not HTTP.
import { TOKEN } from './gateway.ts';

export const BODY = '{"model":"test-model","messages":[{"role":"user","content":"hi"}]}';
export const LENGTH = BODY.length;
const HEX = LENGTH.toString(16);
const CHUNKED = `${HEX}\r\n${BODY}\r\n0\r\n\r\n`;
export const AUTH = `authorization: Bearer ${TOKEN}\r\ncontent-type: application/json\r\n`;

/** A chat completion with these further headers: all that is wrong with it is in them, or in the body. */
export function post(headers: string, body = BODY, version = '1.1'): string {
  return `POST /v1/chat/completions HTTP/${version}\r\nhost: x\r\n${AUTH}${headers}\r\n${body}`;
}

/** GET /v1/models with these headers and the token. */
export function get(headers: string, target = '/v1/models'): string {
  return `GET ${target} HTTP/1.1\r\n${headers}${AUTH}\r\n`;
}

function manyHeaders(count: number): string {
  return Array.from({ length: count }, (_, index) => `x-${index}: 1\r\n`).join('');
}

export const CHUNKS = 'transfer-encoding: chunked\r\n';
export const TWO_READINGS: [string, string][] = [
  ['content-length and transfer-encoding', post(`content-length: ${LENGTH}\r\n${CHUNKS}`, CHUNKED)],
  ['transfer-encoding and content-length', post(`${CHUNKS}content-length: 4\r\n`, CHUNKED)],
  [
    'the same content-length twice',
    post(`content-length: ${LENGTH}\r\ncontent-length: ${LENGTH}\r\n`),
  ],
  ['two content-lengths', post(`content-length: ${LENGTH}\r\ncontent-length: 5\r\n`)],
  ['a list of content-lengths', post(`content-length: ${LENGTH}, ${LENGTH}\r\n`)],
  ['a signed content-length', post(`content-length: +${LENGTH}\r\n`)],
  ['a negative content-length', post('content-length: -1\r\n')],
  ['a hexadecimal content-length', post(`content-length: 0x${HEX}\r\n`)],
  ['an empty content-length', post('content-length: \r\n')],
  ['a content-length of 2^64 + 1', post('content-length: 18446744073709551617\r\n')],
  ['chunked, chunked', post('transfer-encoding: chunked, chunked\r\n', CHUNKED)],
  ['chunked twice', post(CHUNKS + CHUNKS, CHUNKED)],
  ['identity, chunked', post('transfer-encoding: identity, chunked\r\n', CHUNKED)],
  ['chunked, identity', post('transfer-encoding: chunked, identity\r\n', CHUNKED)],
  ['identity', post('transfer-encoding: identity\r\n', CHUNKED)],
  ['gzip, chunked', post('transfer-encoding: gzip, chunked\r\n', CHUNKED)],
  ['xchunked', post('transfer-encoding: xchunked\r\n', CHUNKED)],
  ['quoted chunked', post('transfer-encoding: "chunked"\r\n', CHUNKED)],
  ['chunked with a parameter', post('transfer-encoding: chunked;x=y\r\n', CHUNKED)],
  ['chunked in HTTP/1.0', post(CHUNKS, CHUNKED, '1.0')],
  ['a space before the colon', post('transfer-encoding : chunked\r\n', CHUNKED)],
  ['a folded transfer-encoding', post('transfer-encoding:\r\n chunked\r\n', CHUNKED)],
  ['a chunk size that is no number', post(CHUNKS, `zz\r\n${BODY}\r\n0\r\n\r\n`)],
  ['a negative chunk size', post(CHUNKS, `-1\r\n${BODY}\r\n0\r\n\r\n`)],
  ['a chunk size with 0x', post(CHUNKS, `0x${HEX}\r\n${BODY}\r\n0\r\n\r\n`)],
  ['a chunk size beyond 64 bits', post(CHUNKS, `ffffffffffffffffff\r\n${BODY}\r\n0\r\n\r\n`)],
  ['a chunk size that is too small', post(CHUNKS, `5\r\n${BODY}\r\n0\r\n\r\n`)],
  ['chunks that end in LF alone', post(CHUNKS, `${HEX}\n${BODY}\n0\n\n`)],
  ['two tokens', get(`host: x\r\nauthorization: Bearer ${TOKEN}\r\n`)],
  ['two hosts', get('host: a\r\nhost: b\r\n')],
  ['the same host twice', get('host: a\r\nhost: a\r\n')],
];

export const BROKEN: [string, string | Uint8Array][] = [
  ['no host', get('')],
  ['an empty host', get('host: \r\n')],
  ['a host with a space', get('host: a b\r\n')],
  ['a host with a user', get('host: a@b\r\n')],
  ['a host with a path', get('host: a/b\r\n')],
  ['a folded header', get('host: x\r\nx-a: b\r\n c\r\n')],
  ['a space before the first header', get(' host: x\r\n')],
  ['a space before a colon', get('host: x\r\nx-a : b\r\n')],
  ['a header without a name', get('host: x\r\n: b\r\n')],
  ['a header without a colon', get('host: x\r\nabc\r\n')],
  ['LF alone', get('host: x\r\n').replaceAll('\r\n', '\n')],
  ['LF alone in a header', get('host: x\r\nx-a: b\nx-c: d\r\n')],
  ['CR alone', get('host: x\r\n').replaceAll('\r\n', '\r')],
  ['CR alone in a header', get('host: x\r\nx-a: b\rx-c: d\r\n')],
  ['NUL in a value', get('host: x\r\nx-a: b\0c\r\n')],
  ['NUL in a name', get('host: x\r\nx\0a: b\r\n')],
  ['NUL in the target', get('host: x\r\n', '/v1/mod\0els')],
  ['a space in the target', get('host: x\r\n', '/v1/models x')],
  ['a target that is no path', get('host: x\r\n', 'v1/models')],
  ['an authority as the target', get('host: x\r\n', 'evil:80')],
  ['17 KB in one header', get(`host: x\r\nx-a: ${'a'.repeat(17 * 1024)}\r\n`)],
  ['2,001 headers', get(`host: x\r\n${manyHeaders(2001)}`)],
  ['a target of 20 KB', get('host: x\r\n', `/${'a'.repeat(20_000)}`)],
  ['HTTP/0.9', 'GET /healthz\r\n\r\n'],
  ['HTTP/1.2', 'GET /healthz HTTP/1.2\r\nhost: x\r\n\r\n'],
  ['HTTP/2.0', post(`content-length: ${LENGTH}\r\n`, BODY, '2.0')],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a method that is none', `FOO /v1/models HTTP/1.1\r\nhost: x\r\n${AUTH}\r\n`],
  ['a method in small letters', `get /v1/models HTTP/1.1\r\nhost: x\r\n${AUTH}\r\n`],
  ['CONNECT', `CONNECT evil:443 HTTP/1.1\r\nhost: evil:443\r\n${AUTH}\r\n`],
  ['TRACE', `TRACE /v1/models HTTP/1.1\r\nhost: x\r\n${AUTH}\r\n`],
  ['OPTIONS *', `OPTIONS * HTTP/1.1\r\nhost: x\r\n${AUTH}\r\n`],
  ['a body of 100 GB', post('content-length: 99999999999\r\n', '{')],
  ['garbage', 'asdkjasdlkj\r\n\r\n'],
  ['every byte there is', Uint8Array.from({ length: 512 }, (_, index) => index)],
  ['a TLS hello', Buffer.from(`16030100c2010000be0303${'5a'.repeat(180)}`, 'hex')],
  ['empty lines', '\r\n\r\n'],
];
