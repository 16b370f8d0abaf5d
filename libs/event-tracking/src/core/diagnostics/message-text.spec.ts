import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeError, describeSecret, describeValue, quoteName } from './describe.js';
import { Diagnostics } from './diagnostics.js';
import { EventTrackingError, ImproperlyConfigured } from './errors.js';
import { escapeUnprintable } from './escape-unprintable.js';
import { messageText } from './message-text.js';

/** Everything that can end a line, reorder it, hide in it or control a terminal. */
const UNPRINTABLE =
  /[^ -~\u00a0-\u{10ffff}]|[\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/u;
const evilText = fc
  .array(
    fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '\n',
        '\r\n',
        '\u001b[2K',
        '\u009b1A',
        '\u0085',
        '\u2028',
        '\u202e',
        '\u200b',
        '\ufeff',
        '\ud800',
      ),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''));
const anyThrown = fc.letrec((tie) => ({
  error: fc
    .record({
      name: evilText,
      message: evilText,
      code: fc.oneof(evilText, fc.integer(), fc.anything()),
      cause: fc.oneof({ maxDepth: 4 }, fc.anything(), tie('error')),
      errors: fc.oneof({ maxDepth: 4 }, fc.anything(), fc.array(tie('error'), { maxLength: 3 })),
    })
    .map(({ message, ...rest }) => Object.assign(new Error(message), rest)),
})).error;

describe('Messages', () => {
  it('are one printable line for any quoted text', () => {
    fc.assert(
      fc.property(evilText, fc.oneof(anyThrown, fc.anything(), evilText), (text, any) => {
        const lines: string[] = [];
        const log = (line: string): void => void lines.push(line);
        const diagnostics = new Diagnostics({ warn: log, error: log });
        diagnostics.warn(text, `${text} ${quoteName(text)}: ${describeError(any)}`, { burst: 1 });
        diagnostics.warn(text, text, { burst: 1 });
        diagnostics.reportSuppressed();
        lines.push(describeError(any), describeValue(any), quoteName(any), messageText(text));
        for (const line of lines) expect(line).not.toMatch(UNPRINTABLE);
        const thrown = new EventTrackingError(text).message;
        expect(thrown.replaceAll('\n', '')).not.toMatch(UNPRINTABLE);
      }),
      { numRuns: 300 },
    );
  });

  it('show escaped characters', () => {
    expect(messageText('a\u202eb\u200b\u001b[2K\n\t\ud800\u{e0001}')).toBe(
      'a\\u202eb\\u200b\\u001b[2K\\n\\t\\ud800\\udb40\\udc01',
    );
    expect(messageText('Zoë 学 🎓')).toBe('Zoë 学 🎓');
  });

  it('are bounded', () => {
    expect(messageText('\u0000'.repeat(1_000_000)).length).toBeLessThan(20_000);
    const long = new Error('x'.repeat(1_000_000));
    expect(describeError(long).length).toBeLessThan(2_100);
  });
});

describe('Escaped JSON', () => {
  it('means the same', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary' }), evilText, (json, text) => {
        expect(JSON.parse(escapeUnprintable(json))).toEqual(JSON.parse(json));
        expect(JSON.parse(escapeUnprintable(JSON.stringify({ [text]: text })))).toEqual({
          [text]: text,
        });
      }),
    );
  });
});

describe('Described errors', () => {
  const refused = (address: string) =>
    Object.assign(new Error(`connect ECONNREFUSED ${address}`), { code: 'ECONNREFUSED' });

  it('have the errors that caused them, and their codes', () => {
    const failed = new TypeError('fetch failed', { cause: refused('::1:80') });
    expect(describeError(failed)).toBe(
      'TypeError: fetch failed (cause: Error: connect ECONNREFUSED ::1:80)',
    );
    const both = Object.assign(new AggregateError([refused('::1'), refused('127.0.0.1')]), {
      code: 'ECONNREFUSED',
    });
    expect(describeError(both)).toBe(
      'AggregateError [ECONNREFUSED] (cause: Error: connect ECONNREFUSED ::1; Error: connect ECONNREFUSED 127.0.0.1)',
    );
    expect(describeError(Object.assign(new Error('failed'), { code: 11000 }))).toBe(
      'Error [11000]: failed',
    );
    expect(describeError(new Error('outer', { cause: 'disk full' }))).toBe(
      'Error: outer (cause: disk full)',
    );
  });

  it('repeat no cause that an error quotes', () => {
    const cause = new TypeError('fetch failed', { cause: refused('::1') });
    const text = describeError(cause);
    expect(describeError(new EventTrackingError(text, { cause }))).toBe(
      `EventTrackingError: ${text}`,
    );
  });

  it('end where an error is its own cause, or has too many', () => {
    const own: Error & { cause?: unknown } = new Error('own');
    own.cause = own;
    expect(describeError(own)).toBe('Error: own');
    let deep = new Error('0');
    for (let index = 1; index < 10_000; index++) deep = new Error(`e${index}`, { cause: deep });
    expect(describeError(deep).split(';').length).toBeLessThan(10);
    const wide = new AggregateError(
      Array.from({ length: 10_000 }, (_, index) => refused(`${index}`)),
    );
    expect(describeError(wide).length).toBeLessThan(1_000);
  });

  it('need no instance of Error, and survive getters that throw', () => {
    expect(describeError({ message: 'from another realm' })).toBe('Error: from another realm');
    expect(describeError({ status: 500 })).toBe("an object with the keys 'status'");
    const hostile = new Error('visible');
    Object.defineProperty(hostile, 'cause', {
      get() {
        throw new Error('trapped');
      },
    });
    expect(describeError(hostile)).toMatch(/visible|cannot be described/);
  });
});

describe('Secrets', () => {
  const SECRET = 'S3CRET';

  it.each([
    'mongodb://app:S3CRET@mongo/db',
    'mongodb+srv://app:S3CRET@a.example,b.example/db?x=1',
    'redis://:S3CRET@redis:6379',
    'rediss://user:S3CRET@[::1]:6379/0',
    'amqp://guest:S3CRET@rabbit//',
    'https://S3CRET@sentry.example/1',
    'https://user:S3CRET@example.org/a?b=c@d',
    'postgres://u:p@ss/S3CRET@db/x',
    'redis://user:S3CRET…',
    'https://example.org/?access_token=S3CRET&x=1',
    'https://example.org/?token=S3CRET',
    'Authorization: Bearer S3CRET.abc',
    '{"authorization":"Digest response=S3CRET"}',
    'sent bearer S3CRETS3CRET',
    'Basic S3CRETabc=',
    "writeKey: 'S3CRET'",
    '{"password":"a \\" S3CRET"}',
    'api-key=S3CRET, x',
    'clientSecret=S3CRET',
    'Cookie: S3CRET',
  ])('of %s never appear', (text) => {
    const error = new Error('outer', { cause: new Error(`cannot use ${text}`) });
    for (const message of [
      messageText(`Failed: ${text}.`),
      describeError(error),
      describeValue(text),
      quoteName(text),
      new ImproperlyConfigured(text).message,
      String(new ImproperlyConfigured(text).stack),
    ]) {
      expect(message).not.toContain(SECRET);
    }
  });

  it('of connection strings never appear, whatever surrounds them', () => {
    const word = fc.stringMatching(/^[A-Za-z0-9.!~*'()-]{0,20}$/).map(encodeURIComponent);
    const scheme = fc.constantFrom('mongodb', 'mongodb+srv', 'redis', 'rediss', 'amqps', 'https');
    const filler = fc.constantFrom('', ' ', '"', "'", '<', '(', 'failed: ', 'x=', ',');
    fc.assert(
      fc.property(scheme, word, filler, fc.string(), (protocol, user, before, after) => {
        const url = `${protocol}://${user.replaceAll("'", '')}:${SECRET}@host:1/x`;
        expect(messageText(`${before}${url} ${after}`)).not.toContain(SECRET);
        expect(describeValue(`${before}${url}`)).not.toContain(SECRET);
      }),
    );
  });

  it('are masked, and the rest stays readable', () => {
    expect(messageText('connect redis://:S3CRET@redis:6379 failed')).toBe(
      'connect redis://***@redis:6379 failed',
    );
    for (const text of [
      'connect ECONNREFUSED redis://localhost:6379',
      'https://example.org:8080/a?email=ada@example.org',
      'mongodb://a:27017,b:27017/db',
      'Basic authentication failed',
      "unknown option 'password'; supported options: host",
      'Unexpected token \'x\', "xyz" is not valid JSON',
      'http://[::1]:3000: refused',
    ]) {
      expect(messageText(text)).toBe(text);
    }
  });

  it('of options are described by their length', () => {
    expect(describeSecret(SECRET)).toBe('a string of 6 characters');
    expect(describeSecret(7)).toBe('the number 7');
  });
});
