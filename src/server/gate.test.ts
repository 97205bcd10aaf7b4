import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cookieKey, defaultGateLimits, Gate } from './gate.js';
import { addressKey, RateLimits } from './rate-limits.js';

const token = 'a-secret-token-of-28-letters';
const key = Buffer.alloc(32, 7);
const host = 'tower:8080';
const folder = mkdtempSync(join(tmpdir(), 'sono-gate-'));
afterAll(() => rmSync(folder, { recursive: true }));

function gateOf(limits = defaultGateLimits, wanted: string | null = token) {
  let nowMs = 0;
  const gate = new Gate({ token: wanted, allowedOrigins: [] }, key, limits, () => nowMs);
  return {
    gate,
    later: (seconds: number) => (nowMs += seconds * 1000),
    at: (url: string, headers: Record<string, string> = {}, address = '10.0.0.1') =>
      gate.judge({ url, headers: { host, ...headers } }, address, 8080).refusal?.code ?? 'allowed',
  };
}

const cookie = (): string =>
  gateOf().gate.cookieFor({ url: `/?token=${token}`, headers: { host } }, '10.0.0.1', 8080) ?? '';
const sentBack = (): string => cookie().split(';')[0] ?? '';

describe('the token', () => {
  it.each([
    ['/ws', {}, 'SONO_TOKEN_WRONG'],
    [`/ws?token=${token}`, {}, 'allowed'],
    [`/ws?x=1&token=${token}#y`, {}, 'allowed'],
    [`//ws?token=${token}`, {}, 'allowed'],
    [`/ws?token=${token.slice(1)}`, {}, 'SONO_TOKEN_WRONG'],
    ['/ws?token=', {}, 'SONO_TOKEN_WRONG'],
    ['/ws', { authorization: `Bearer ${token}` }, 'allowed'],
    ['/ws', { authorization: `bearer ${token}` }, 'allowed'],
    ['/ws', { authorization: `Basic ${token}` }, 'SONO_TOKEN_WRONG'],
    [`/ws?token=${token}`, { authorization: 'Bearer wrong' }, 'SONO_TOKEN_WRONG'],
    ['/ws', { origin: 'http://evil.example', authorization: `Bearer ${token}` }, 'SONO_ORIGIN_FOREIGN'],
  ])('at %s with %o', (url, headers, verdict) => {
    expect(gateOf().at(url, headers)).toBe(verdict);
  });

  it('is not asked for where there is none', () => {
    expect(gateOf(defaultGateLimits, null).at('/', { host: '127.0.0.1' })).toBe('allowed');
  });

  it('cannot be tried at any rate: after ten wrong ones not even the right one is looked at, for a while', () => {
    const { at, later } = gateOf();
    for (let wrong = 0; wrong < 10; wrong++) expect(at(`/?token=guess-${wrong}`)).toBe('SONO_TOKEN_WRONG');
    expect(at('/?token=guess-11')).toBe('SONO_TOKEN_TOO_OFTEN');
    expect(at(`/?token=${token}`)).toBe('SONO_TOKEN_TOO_OFTEN');
    // Somebody else, a page that is logged in, and one that has no token at all are not concerned.
    expect(at(`/?token=${token}`, {}, '10.0.0.2')).toBe('allowed');
    expect(at('/', { cookie: sentBack() })).toBe('allowed');
    expect(at('/')).toBe('SONO_TOKEN_WRONG');
    later(11);
    expect(at(`/?token=${token}`)).toBe('allowed');
    expect(at('/?token=guess-12')).toBe('SONO_TOKEN_WRONG');
    expect(at('/?token=guess-13')).toBe('SONO_TOKEN_TOO_OFTEN');
  });

  it('is remembered for the log by the start of its hash', () => {
    const { caller } = gateOf().gate.judge({ url: '/', headers: { host } }, '10.0.0.1', 8080);
    expect(caller).toEqual({
      address: '10.0.0.1',
      tokenId: expect.stringMatching(/^[0-9a-f]{8}$/) as string,
      viewer: null,
      subject: caller?.tokenId,
      rights: ['view', 'mark', 'manage'],
    });
  });
});

describe('the cookie', () => {
  it('is made for the right token only, hidden from scripts and other sites, and does not hold the token', () => {
    const { gate } = gateOf();
    const given = (url: string) => gate.cookieFor({ url, headers: { host } }, '10.0.0.1', 8080);
    expect(cookie()).toMatch(/^sonoscope-8080=[\w-]{43}; HttpOnly; SameSite=Strict$/);
    expect(cookie()).not.toContain(token);
    expect(given('/?token=wrong')).toBeNull();
    expect(given('/')).toBeNull();
  });

  it('lets its browser in, among other cookies, at its own port', () => {
    const { at, gate } = gateOf();
    expect(at('/api/streams', { cookie: `theme=dark; ${sentBack()}; x=y` })).toBe('allowed');
    expect(at('/api/streams', { cookie: `${sentBack()}x` })).toBe('SONO_TOKEN_WRONG');
    expect(at('/api/streams', { cookie: sentBack(), origin: 'http://evil.example' })).toBe(
      'SONO_ORIGIN_FOREIGN',
    );
    const other = gate.judge({ url: '/', headers: { host, cookie: sentBack() } }, '10.0.0.1', 9090);
    expect(other.refusal?.code).toBe('SONO_TOKEN_WRONG');
  });

  it('holds over a restart with the same token, by a key that only this user reads', () => {
    const file = join(folder, 'cookie-key');
    expect(cookieKey(file)).toEqual(cookieKey(file));
    expect(cookieKey(file)).toHaveLength(32);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(cookieKey(join(folder, 'no', 'folder'))).toHaveLength(32);
  });
});

describe('limits', () => {
  it('count by address, and give back with time', () => {
    let nowMs = 0;
    const limits = new RateLimits({ burst: 2, perSecond: 1 }, () => nowMs);
    expect([limits.take('a'), limits.take('a'), limits.take('a'), limits.take('b')]).toEqual([
      true,
      true,
      false,
      true,
    ]);
    expect(limits.waitSeconds('a')).toBe(1);
    nowMs += 1000;
    expect([limits.take('a'), limits.take('a')]).toEqual([true, false]);
  });

  it('forget whoever was quiet for longest', () => {
    const limits = new RateLimits({ burst: 1, perSecond: 0.001 }, () => 0);
    limits.take('first');
    for (let index = 0; index < 4096; index++) limits.take(String(index));
    expect(limits.take('first')).toBe(true);
    expect(limits.take('4095')).toBe(false);
  });

  it.each([
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['10.0.0.1', '10.0.0.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:DB8:1:2::9', '2001:db8:1:2'],
    ['2001:db8::9', '2001:db8:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['::1', '0:0:0:0'],
    [undefined, 'unknown'],
  ])('%s counts as %s', (address, key) => {
    expect(addressKey(address)).toBe(key);
  });
});
