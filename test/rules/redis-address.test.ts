import { describe, expect, it } from '@jest/globals';
import { readSettings, SettingsProblem } from '../../src/settings.ts';
import { describeAddress, readRedisAddress } from '../../src/store/live-redis-address.ts';

describe('the address of Redis', () => {
  it.each([
    ['redis://localhost', { form: 'single', tls: false, hosts: [{ host: 'localhost', port: 6379 }], db: 0 }],
    ['rediss://redis.example:6380/3', { form: 'single', tls: true, db: 3 }],
    ['redis://[2001:db8::1]:7000', { hosts: [{ host: '2001:db8::1', port: 7000 }] }],
    ['redis://:p%40ss%2F@h', { user: { password: 'p@ss/' } }],
    ['redis://latchkey:secret@h', { user: { username: 'latchkey', password: 'secret' } }],
    [
      'redis+cluster://:s@a:1,[::1]:2,c',
      {
        form: 'cluster',
        user: { password: 's' },
        hosts: [
          { host: 'a', port: 1 },
          { host: '::1', port: 2 },
          { host: 'c', port: 6379 },
        ],
      },
    ],
    ['rediss+cluster://a/0', { form: 'cluster', tls: true }],
    [
      'redis+sentinel://a,b:26380/main',
      {
        form: 'sentinel',
        primaryName: 'main',
        hosts: [
          { host: 'a', port: 26_379 },
          { host: 'b', port: 26_380 },
        ],
        db: 0,
        sentinelUser: {},
      },
    ],
    [
      'rediss+sentinel://u:p@a/main/2?sentinel_user=w&sentinel_password=x%26y',
      {
        form: 'sentinel',
        tls: true,
        user: { username: 'u', password: 'p' },
        db: 2,
        sentinelUser: { username: 'w', password: 'x&y' },
      },
    ],
  ])('is understood: %s', (url, expected) => {
    expect(readRedisAddress(url)).toMatchObject(expected);
    expect(readSettings({ REDIS_URL: url }).REDIS_URL).toBe(url);
  });

  it.each([
    ['http://secret', /must be an address that begins with/],
    ['redis://', /lacks a host/],
    ['redis+cluster://a,,secret', /lacks a host/],
    ['redis://secret:99999', /lacks a host, or names one/],
    ['redis://:secret/@h', /%2F for \//],
    ['redis://a,secret', /several hosts: begin it with redis\+cluster/],
    ['redis+sentinel://a,secret', /lacks the name of the primary/],
    ['redis+cluster://secret/1', /a Cluster has only one/],
    ['redis://secret/one', /a database that is not a number/],
    ['redis://secret@h', /user without a password/],
    ['redis://h?secret=6', /takes nothing behind a question mark/],
    ['redis+sentinel://h/m?secret=6', /takes sentinel_user and sentinel_password/],
    ['redis+sentinel://h/m?sentinel_user=secret', /sentinel_user without sentinel_password/],
    ['redis://:secret%@h', /a percent sign itself is %25/],
  ])('is refused with a sentence that repeats no part of it: %s', (url, sentence) => {
    let problem: unknown;
    try {
      readSettings({ REDIS_URL: url });
    } catch (thrown) {
      problem = thrown;
    }
    expect(problem).toBeInstanceOf(SettingsProblem);
    const [said, ...more] = (problem as SettingsProblem).problems;
    expect(more).toEqual([]);
    expect(said).toMatch(/^REDIS_URL: /);
    expect(said).toMatch(sentence);
    expect(said).not.toContain('secret');
  });

  it('is described without names of users and passwords', () => {
    const described = [
      'redis://u:p4ss@h/2',
      'redis+cluster://:p4ss@a:1,[::1]:2',
      'redis+sentinel://:p4ss@a,b/main?sentinel_password=p4ss',
    ].map((url) => describeAddress(readRedisAddress(url)));
    expect(described).toEqual([
      'Redis at h:6379, database 2',
      'Redis Cluster at a:1, [::1]:2',
      'Redis main of the sentinels at a:26379, b:26379',
    ]);
  });
});
