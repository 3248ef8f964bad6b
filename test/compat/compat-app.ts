import { registerClient } from '../../src/actions/register-client.ts';
import type { Person } from '../support/person.ts';
import { type Answer, newAddress, send } from '../support/wire.ts';
import type { TestAccount, World } from '../support/world.ts';

/** An app of the Login-with-Amazon kind, with its bare hands: what a library sends is what the test says. */
export type CompatApp = Awaited<ReturnType<typeof openCompatApp>>;

export async function openCompatApp(world: World, metadata: Record<string, unknown> = {}) {
  const redirectUri = 'https://shop.example.test/cb';
  const added = await registerClient(world.services, {
    metadata: {
      client_name: 'Paperplane Shop',
      login_with_amazon: true,
      redirect_uris: [redirectUri],
      ...metadata,
    },
  });
  if (!added.ok) throw new Error(`no test app: ${JSON.stringify(added)}`);
  const { client, clientSecret } = added;
  const address = newAddress();
  const own = { client_id: client.clientId, ...(clientSecret ? { client_secret: clientSecret } : {}) };

  async function posts(
    path: string,
    body: Record<string, unknown> | string,
    headers: Record<string, string> = {},
    as: 'form' | 'json' = 'form',
  ): Promise<Answer> {
    const json = as === 'json';
    const text =
      typeof body === 'string'
        ? body
        : json
          ? JSON.stringify(body)
          : new URLSearchParams(body as Record<string, string>).toString();
    return send(`${world.issuer}${path}`, {
      method: 'POST',
      body: text,
      headers: {
        'content-type': json ? 'application/json; charset=utf-8' : 'application/x-www-form-urlencoded',
        'x-forwarded-for': address,
        ...headers,
      },
    });
  }

  function asks(params: Record<string, string | undefined> = {}): string {
    const given = {
      client_id: client.clientId,
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'profile',
      state: 'a state',
      ...params,
    };
    const present = Object.entries(given).filter((pair): pair is [string, string] => pair[1] !== undefined);
    return `${world.issuer}/ap/oa?${new URLSearchParams(present)}`;
  }

  /** Where the person was sent at last; what is asked on the way is answered with yes. */
  async function sendsBack(
    person: Person,
    account: TestAccount,
    params: Record<string, string | undefined> = {},
    decision: { scope?: string[]; answer?: 'allow' | 'deny' } = {},
  ): Promise<URL> {
    await person.goes(asks(params));
    if (!person.left && person.heading === 'Sign in')
      await person.submits({ identifier: account.identifier, password: account.password });
    if (!person.left)
      await person.decides(decision.answer ?? 'allow', decision.scope ? { scope: decision.scope } : {});
    if (!person.left) throw new Error(`still here: ${person.url} ${person.heading}`);
    return person.left;
  }

  async function getsCode(
    person: Person,
    account: TestAccount,
    params: Record<string, string | undefined> = {},
  ): Promise<string> {
    return String((await sendsBack(person, account, params)).searchParams.get('code'));
  }

  async function signsIn(
    person: Person,
    account: TestAccount,
    params: Record<string, string | undefined> = {},
  ): Promise<{ access_token: string; refresh_token: string; expires_in: number }> {
    const code = await getsCode(person, account, params);
    const answer = await posts('/auth/o2/token', {
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      ...own,
    });
    if (answer.status !== 200) throw new Error(`no tokens: ${answer.text}`);
    return answer.json as never;
  }

  const refreshes = (token: string, more: Record<string, string> = {}) =>
    posts('/auth/o2/token', { grant_type: 'refresh_token', refresh_token: token, ...own, ...more });

  const profile = (token: string, path = '/user/profile') =>
    send(`${world.issuer}${path}?access_token=${encodeURIComponent(token)}`);

  return {
    clientId: client.clientId,
    clientSecret: clientSecret ?? '',
    own,
    redirectUri,
    asks,
    posts,
    sendsBack,
    getsCode,
    signsIn,
    refreshes,
    profile,
    basic: `Basic ${Buffer.from(`${client.clientId}:${clientSecret}`).toString('base64')}`,
  };
}
