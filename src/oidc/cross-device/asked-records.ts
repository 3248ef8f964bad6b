import type { AdapterPayload, KoaContextWithOIDC } from 'oidc-provider';
import { minutes } from '../../kit/durations.ts';
import { newId, sameSecret } from '../../kit/secrets.ts';
import type { Services } from '../../services.ts';
import type { LiveStep } from '../../store/live.ts';
import { sourceOf } from '../../web/request-state.ts';
import type { AdapterContext } from '../adapter-context.ts';
import { timeToLive } from '../adapter-context.ts';
import { sealPing } from '../ciba/pings.ts';
import { isFromEarlierLife } from '../earlier-life.ts';
import { currentContext } from '../engine-context.ts';
import type { KnownRecords } from '../known-records.ts';
import { askedGrantId, layout, shortDigest } from '../live-layout.ts';
import { readGrant } from '../record-forms.ts';
import { requestMemory } from '../request-memory.ts';
import { requestName } from '../token-records.ts';
import { TemporarilyUnavailable } from '../unavailable.ts';
import { write } from '../unit-of-work.ts';
import { type AskedKind, readAsked, type StoredAsked, writeAsked } from './asked-form.ts';
import { notePace } from './pace.ts';

type Context = AdapterContext & Pick<Services, 'seals'> & { known: KnownRecords };

/** An answer is owed to an app that comes late: it is told `expired_token`, and the person that the code is too old. */
const keptAfterwards = 10 * minutes;

/**
 * Device codes and CIBA requests. Each lies under the id of the grant that it may become, so that redeeming it (spent, and
 * the tokens there) is one commit with that grant, and so is nothing that anybody can race.
 */
export class AskedRecords {
  readonly #context: Context;
  readonly #kind: AskedKind;

  constructor(context: Context, kind: AskedKind) {
    this.#context = context;
    this.#kind = kind;
  }

  /** Request, grant and the time of the last question in one round trip. One that was redeemed is no longer there. */
  async find(id: string): Promise<AdapterPayload | undefined> {
    const grantId = askedGrantId(id);
    if (grantId === undefined) return undefined;
    const keys = [layout.asked(grantId), layout.grant(grantId), layout.askedPace(grantId)];
    const [asked, grant, pace] = await this.#context.live.read(keys);
    if (!asked || asked.consumedBy !== undefined) return undefined;
    const { secret, taken: _taken, ...payload } = readAsked(asked.value);
    if (payload.kind !== this.#kind || !sameSecret(secret, shortDigest(id))) return undefined;
    if (await isFromEarlierLife(this.#context.known, payload.clientId, payload)) return undefined;
    if (grant) requestMemory()?.grants.set(grantId, { value: grant.value, grant: readGrant(grant.value) });
    notePace(currentContext(), { grantId, value: pace?.value, expiresAt: (payload.exp ?? 0) * 1000 });
    return { ...payload, jti: id };
  }

  /** Only ever a new one: what becomes of it is written by answer-asked.ts. */
  async upsert(id: string, { userCode, ...payload }: AdapterPayload, expiresIn?: number): Promise<void> {
    const { live } = this.#context;
    const grantId = askedGrantId(id);
    if (grantId === undefined) throw new Error('a request on another device is named by its grant');
    const ttlMs = timeToLive(expiresIn, this.#kind) + keptAfterwards;
    const { jti: _jti, params, ...members } = payload;
    const value = writeAsked({
      deviceInfo: placeOf(currentContext()),
      ...members,
      ...this.#withoutToken(id, params),
      kind: this.#kind,
      clientId: String(payload.clientId),
      secret: shortDigest(id),
    });
    const pointer = userCode && layout.userCode(userCodeDigest(this.#context, userCode));
    const [written, pointed] = await Promise.all([
      live.commit([{ do: 'add', key: layout.asked(grantId), value, ttlMs }]),
      pointer ? live.commit([{ do: 'add', key: pointer, value: grantId, ttlMs }]) : undefined,
    ]);
    if (!written.ok) throw new Error('a request on another device is written once');
    if (!pointed || pointed.ok) return;
    // Somebody else's code, which happens once in some million times.
    await live.commit([{ do: 'delete', key: layout.asked(grantId) }]);
    throw new TemporarilyUnavailable(new Error('the user code is taken'));
  }

  /** An app's own bearer token, and the name by which it asks, are kept sealed, and only where it is to be told. */
  #withoutToken(id: string, params: AdapterPayload['params']): Partial<StoredAsked> {
    const { client_notification_token: token, ...others } = params ?? {};
    if (typeof token !== 'string') return { params: others };
    return { params: others, ping: sealPing(this.#context, { authReqId: id, token }) };
  }

  /** Of any number of parallel redemptions one wins; the others learn it when they are settled (unit-of-work.ts). */
  async consume(id: string): Promise<void> {
    const grantId = askedGrantId(id);
    if (grantId === undefined) throw new Error('a request on another device is named by its grant');
    const spend: LiveStep = { do: 'consume', key: layout.asked(grantId), by: requestName() };
    // Nothing is given for one that was refused, so each question gets the same answer.
    const known = requestMemory()?.grants.has(grantId);
    if (known) await write(this.#context, [{ do: 'require', key: layout.grant(grantId) }, spend]);
  }
}

function placeOf(ctx: KoaContextWithOIDC | undefined): StoredAsked['deviceInfo'] {
  if (!ctx) return undefined;
  const { ip, userAgent } = sourceOf(ctx);
  return { ip, userAgent };
}

/** Keyed, so that whoever reads the live state cannot try all 20^8 codes on what they see. */
export function userCodeDigest({ seals }: Pick<Services, 'seals'>, normalised: string): string {
  return seals.mac('user code', normalised).slice(0, 22);
}

/** `<grant id><secret>`, made before there is a grant. */
export function nameAskedByGrant(provider: object): void {
  const { DeviceCode, BackchannelAuthenticationRequest } = provider as Record<
    string,
    { prototype: { generateTokenId(): string } } | undefined
  >;
  for (const Model of [DeviceCode, BackchannelAuthenticationRequest]) {
    if (!Model) continue;
    const random = Model.prototype.generateTokenId;
    Model.prototype.generateTokenId = function () {
      return `${newId()}${random.call(this)}`;
    };
  }
}
