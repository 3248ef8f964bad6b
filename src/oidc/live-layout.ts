import type { AdapterPayload } from 'oidc-provider';
import { digest } from '../kit/secrets.ts';
import type { LiveKey } from '../store/live.ts';

/**
 * Where the engine's records lie in the live state. What stands in braces is the partition: one atomic commit, one
 * slot of a Redis Cluster.
 *
 *   {<grant id>}:g             Grant: what one sign-in of one person to one app may do
 *   {<grant id>}:c:<digest>    AuthorizationCode  ┐
 *   {<grant id>}:a:<digest>    AccessToken        ├ every use reads the grant beside it, so that deleting the
 *   {<grant id>}:r:<digest>    RefreshToken       ┘ one grant kills them all, on every process, at once
 *   {<grant id>}:e             the mark of a grant that ended: for an hour none is written here (endings.ts)
 *   {<grant id>}:t             the mark of a grant that ended for a reuse, once that was told
 *   {<grant id>}:q             what was asked on another device, under the id of the grant it may become (cross-device/)
 *   {<grant id>}:z             when the app last asked whether that was answered
 *   {<grant id>}:w             ┐ of a grant whose refresh token never changes (compat/watch-refresh.ts): that odd use was
 *   {<grant id>}:n:<digest>    ┘ told, and a network that it was used from
 *   {<session uid>}:s          Session: the cookie is `<uid>.<secret>`, and only the secret's digest is kept
 *   {<session uid>}:e          the mark of a session that ended: what it was, while something hangs on it (session-mark.ts)
 *   {<interaction uid>}:i      Interaction: a sign-in or consent that is under way
 *   {<digest>}:k               ClientCredentials token
 *   {<digest>}:p               PushedAuthorizationRequest (RFC 9126)
 *   {<digest>}:x               a `jti` that was seen: client assertion or DPoP proof (RFC 7523, RFC 9449)
 *   {<keyed digest>}:u         a user code (RFC 8628), and the id of the grant it leads to
 *   {account <id>}:asked       index of CIBA requests that wait for an answer
 *   {account <id>}:sessions    index of session uids     ┐ written before what they list, so that whoever
 *   {account <id>}:grants      index of grants           │ ends things by index misses nothing; each with the
 *   {client <digest>}:grants   index of grants           ┘ generation beside it that an ending changes (endings.ts)
 *   {endings}:sessions         index of the sessions that are being ended, of everybody (session-ending.ts)
 *
 * Beside them, from other rooms; of everything the live state holds there is a line here (test/rules/live-layout.test.ts):
 *
 *   {account <id>}:approval:<id>              a sign-in that waits for a yes on another device, and what was said
 *   {account <id>}:approvals                  index of them
 *   {account <id>}:approvals-held             somebody said that it was not them (credentials/approvals.ts)
 *   {account <id>}:confirm:<session uid>      ┐ of a session at the account pages: a proof that is asked for, the one that
 *   {account <id>}:proof:<session uid>        │ was given lately, and what is being set up and not proved yet
 *   {account <id>}:totp:<session uid>         │
 *   {account <id>}:text-step:<session uid>    │
 *   {account <id>}:backup-codes:<session uid> ┘
 *   {account <id>}:told of browsers           ┐ how often the owner was told of it lately
 *   {account <id>}:told of password           │
 *   {account <id>}:told of guesses            ┘
 *   {code:<keyed digest>}:code                a code that was sent to a contact, by what it is for
 *   {code:<keyed digest>}:guesses             guesses at such codes, and with :<id> behind it at one of them
 *   {challenge:<occasion>}:tries              looks at the answers to one second step
 *   {challenge.<id>}:spent                    a proof of work, or a wait, that was used
 *   {passkey:<keyed digest>}:challenge:<digest>  a WebAuthn challenge, by whose it is
 *   {passkey.<interaction uid>}:browser       what the browser at a sign-in can, and what it was shown
 *   {passkey.<interaction uid>}:shown
 *   {limit.<name>.<digest>}:count             limits.ts; with :hits behind it, whether it was recorded in this window
 *   {pressure.<door>.<digest>}:count          ┐ failures at a door, of one sender and of everybody (pressure.ts)
 *   {pressure.<door>.everyone}:count          ┘
 *   {failed proofs <digest>}:all              refused proofs of an app that were recorded; :<digest> of one network
 *
 * Nothing here lets its reader in: of codes, tokens and session secrets the first 132 bits of their SHA-256 are kept,
 * and of the engine's payloads what is not said by the place they lie at (record-forms.ts). Everything has an end.
 *
 * Bytes in the memory of Redis 7, name and value, beside those of the engine's payload as JSON under `oidc:<model>:<id>`
 * (test/contracts/engine-bytes.test.ts): session with one app 360 (JSON: 920), grant 232 (312), access token 152 (520),
 * refresh token 216 (648), code 296 (776). Each place in an index takes another 80 to 170: a grant has two, a session one.
 */
export const grantIdLength = 22;
const sessionUidLength = 43;
const tokenSecretLength = 43;
/** One more, so that an access token is never looked for among the refresh tokens (refresh-token-text.ts). */
export const refreshSecretLength = 44;

export const layout = {
  grant: (grantId: string): LiveKey => `{${grantId}}:g`,
  grantEnded: (grantId: string): LiveKey => `{${grantId}}:e`,
  reuseTold: (grantId: string): LiveKey => `{${grantId}}:t`,
  asked: (grantId: string): LiveKey => `{${grantId}}:q`,
  askedPace: (grantId: string): LiveKey => `{${grantId}}:z`,
  userCode: (digest: string): LiveKey => `{${digest}}:u`,
  accountAsked: (accountId: string): LiveKey => `{account ${accountId}}:asked`,
  watchTold: (grantId: string): LiveKey => `{${grantId}}:w`,
  seenNetwork: (grantId: string, network: string): LiveKey => `{${grantId}}:n:${network}`,
  session: (uid: string): LiveKey => `{${uid}}:s`,
  sessionEnded: (uid: string): LiveKey => `{${uid}}:e`,
  interaction: (uid: string): LiveKey => `{${uid}}:i`,
  replay: (id: string): LiveKey => `{${id}}:x`,
  accountSessions: (accountId: string): LiveKey => `{account ${accountId}}:sessions`,
  accountGrants: (accountId: string): LiveKey => `{account ${accountId}}:grants`,
  clientGrants: (clientId: string): LiveKey => `{client ${shortDigest(clientId)}}:grants`,
  endings: '{endings}:sessions' as LiveKey,
  /** Of an index: what an ending changes before it reads the index. */
  generation: (index: LiveKey): LiveKey => `${index}:generation`,
  /** Codes and tokens that belong to a grant; undefined when the text cannot be one of ours. */
  underGrant(letter: 'c' | 'a' | 'r', token: string): { grantId: string; key: LiveKey } | undefined {
    const shape = letter === 'r' ? refreshTokenShape : tokenShape;
    if (!shape.test(token)) return undefined;
    const grantId = token.slice(0, grantIdLength);
    return { grantId, key: `{${grantId}}:${letter}:${shortDigest(token)}` };
  },
  alone: (letter: 'k' | 'p', id: string): LiveKey => `{${shortDigest(id)}}:${letter}`,
};

/** 132 bits: whoever reads it can neither find the secret nor another text with this digest. */
export function shortDigest(secret: string): string {
  return digest(secret).slice(0, 22);
}

// One exact shape: anything longer, shorter or with another character is no token, before any store is asked.
const shapeOf = (secretLength: number) => new RegExp(`^[A-Za-z0-9_-]{${grantIdLength + secretLength}}$`);
const tokenShape = shapeOf(tokenSecretLength);
const refreshTokenShape = shapeOf(refreshSecretLength);

/** A device code or `auth_req_id` begins with the id of the grant it may become. */
export function askedGrantId(token: string): string | undefined {
  return tokenShape.test(token) ? token.slice(0, grantIdLength) : undefined;
}

export const grantIdShape = /^[A-Za-z0-9_-]{22}$/;

/** Whether a text can be the id of something that belongs to no grant. */
export function isAlone(id: string): boolean {
  return id.length === tokenSecretLength;
}

/** Whether a text may be the id of such a thing at all: then it is worth a question. */
export function isLoneId(id: string): boolean {
  return /^[A-Za-z0-9_-]{1,64}$/.test(id);
}

/** A grant as the indexes list it. `session`: the beginning of the uid of the session it was made for, if any. */
export type GrantMember = { grantId: string; accountId: string; clientId: string; session?: string };

const sessionTagLength = 16;
const noSession = '.'.repeat(sessionTagLength);

/** Enough of a uid to tell one session of an account from another. */
export function sessionTag(sessionUid: string | undefined): string {
  return sessionUid?.slice(0, sessionTagLength).padEnd(sessionTagLength, '.') ?? noSession;
}

/** What an account's index says: the account stands in the key. */
export function inAccountIndex({ grantId, clientId, session = noSession }: GrantMember): string {
  return `${grantId}${session}${clientId}`;
}

export function fromAccountIndex(accountId: string, member: string): GrantMember {
  const session = member.slice(grantIdLength, grantIdLength + sessionTagLength);
  return {
    grantId: member.slice(0, grantIdLength),
    accountId,
    clientId: member.slice(grantIdLength + sessionTagLength),
    session,
  };
}

/** What an app's index says: the app stands in the key. The session's tag is there to find the account's entry by. */
export function inClientIndex({ grantId, accountId, session = noSession }: GrantMember): string {
  return `${grantId}${session}${accountId}`;
}

export function fromClientIndex(clientId: string, member: string): GrantMember {
  const { clientId: accountId, ...listed } = fromAccountIndex('', member);
  return { ...listed, accountId, clientId };
}

/** A session on the list of endings: uids are of one length. */
export function inEndings({ uid, accountId }: { uid: string; accountId: string }): string {
  return `${uid}${accountId}`;
}

export function fromEndings(member: string): { uid: string; accountId: string } {
  return { uid: member.slice(0, sessionUidLength), accountId: member.slice(sessionUidLength) };
}

/** An interaction as it is stored: JSON, without the id that it is found by. The other records: record-forms.ts. */
export function toStored({ jti: _jti, ...payload }: AdapterPayload): string {
  return JSON.stringify(payload);
}

export function fromStored(value: string, jti: string): AdapterPayload {
  return { ...JSON.parse(value), jti };
}
