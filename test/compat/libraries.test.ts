import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Outcome, runAmongAmazonHosts } from './libraries/network.ts';

/** Libraries written for Login with Amazon, as they are published, at the addresses that are written in them. */
const tried = new Map<string, Outcome>();
beforeAll(async () => {
  // Where the test runs they stay out of reach: it is only started from here.
  const outcomes = await runAmongAmazonHosts(path.join(import.meta.dirname, 'libraries', 'main.ts'));
  for (const outcome of outcomes) tried.set(outcome.name, outcome);
}, 120_000);

function seen(name: string): unknown {
  const outcome = tried.get(name);
  expect([name, outcome?.problem]).toEqual([name, undefined]);
  return outcome?.seen;
}

const accessToken = expect.stringMatching(/^Atza\|[\w-]{345,}$/);
const refreshToken = expect.stringMatching(/^Atzr\|[\w-]{345,}$/);
const userId = expect.stringMatching(/^amzn1\.account\.[A-Z2-7]{28}$/);

describe('an unmodified library of the Login with Amazon kind', () => {
  it('passport-amazon signs a person in, with PKCE and state', () => {
    expect(seen('passport')).toMatchObject({
      provider: 'amazon',
      id: userId,
      displayName: 'Ada Example',
      emails: [{ value: 'ada@example.com' }],
      refreshed: true,
    });
  });

  it('grant does, with scope_data and the profile', () => {
    expect(seen('grant')).toMatchObject({
      access_token: accessToken,
      refresh_token: refreshToken,
      profile: { user_id: userId, name: 'Ada Example', email: 'ada@example.com' },
    });
  });

  it('ask-sdk-model-runtime gets tokens for itself and for a person, and reads refusals', () => {
    expect(seen('askSdk')).toEqual({
      access: [accessToken, accessToken],
      refused: 'Authentication Failed',
    });
  });

  it('amazon-sp-api exchanges a code and refreshes, in JSON', () => {
    expect(seen('sellingPartner')).toMatchObject({
      exchanged: { access_token: accessToken, refresh_token: refreshToken, token_type: 'bearer' },
      access: [accessToken, accessToken],
    });
  });

  it('@sp-api-sdk/auth refreshes and asks without a person, in JSON', () => {
    expect(seen('spApiSdk')).toEqual({ access: [accessToken, accessToken] });
  });

  it('arctic, which knows OAuth alone, proves itself in the header', () => {
    expect(seen('arctic')).toEqual({ access: [accessToken, accessToken], seconds: 3600 });
  });

  it('that asks over plain http is sent on with its query', () => {
    expect(seen('plainHttp')).toEqual({ status: 301, location: 'https://www.amazon.com/ap/oa?client_id=x' });
  });
});
