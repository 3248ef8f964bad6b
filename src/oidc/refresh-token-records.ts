import type { AdapterPayload } from 'oidc-provider';
import type { Services } from '../services.ts';
import type { AdapterContext } from './adapter-context.ts';
import { currentContext } from './engine-context.ts';
import { layout } from './live-layout.ts';
import { openRefreshTokenText, type RefreshTokenText } from './refresh-token-text.ts';
import { requestMemory } from './request-memory.ts';
import { isWithinGrace, newSpent, type Rotation, readSpent, type Spent, writeSpent } from './rotation.ts';
import { asSpent, type Found, TokenRecords } from './token-records.ts';
import { write } from './unit-of-work.ts';

type Context = AdapterContext & Pick<Services, 'settings' | 'seals'>;

/** Refresh tokens: what a second use of one means stands in rotation.ts. */
export class RefreshTokenRecords extends TokenRecords {
  readonly #settings: Services['settings'];
  readonly #text: RefreshTokenText;

  constructor(context: Context) {
    super(context, { letter: 'r' });
    this.#settings = context.settings;
    this.#text = openRefreshTokenText(context);
  }

  override async find(id: string): Promise<AdapterPayload | undefined> {
    const found = await this.look(id);
    if (!found || !this.#isOurs(id, found)) return undefined;
    const spent = spentOf(found);
    const rotation = this.#present(id, found, spent);
    const payload = found.payload ?? asItWas(id, found);
    return spent && !rotation.repeats ? asSpent(payload) : payload;
  }

  /** A token that was used, whoever asks. */
  async findUsed(id: string): Promise<Found | undefined> {
    const found = await this.look(id);
    return found && this.#isOurs(id, found) && spentOf(found) ? found : undefined;
  }

  /** Of what was used nothing is stored for long, but its seal tells that it was one of ours. */
  #isOurs(id: string, { payload }: Found): boolean {
    return payload !== undefined || this.#text.judge(id, this.context.clock.now()) === 'ours';
  }

  #present(id: string, { place: { key } }: Found, spent: Spent | undefined): Rotation {
    const honest = spent && isWithinGrace(this.#settings, spent, this.context.clock.now());
    const rotation: Rotation = {
      presented: id,
      key,
      spent,
      // Elsewhere than at the token endpoint it is what it is: used.
      repeats: honest === true && currentContext()?.oidc?.route === 'token',
      successorOf: ({ nonce, end }) => {
        const token = this.#text.successor({ presented: id, nonce, end });
        return { token, key: this.placeOf(token).key };
      },
    };
    const memory = requestMemory();
    if (memory) memory.rotation = rotation;
    return rotation;
  }

  /** A repetition gets what is there already. */
  override async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const rotation = requestMemory()?.rotation;
    if (rotation?.repeats && rotation.use?.successor.token === id) return;
    await super.upsert(id, payload, expiresIn);
  }

  override async consume(id: string): Promise<void> {
    const { grantId, key } = this.placeOf(id);
    const required = { do: 'require', key: layout.grant(grantId) } as const;
    // How it is spent is known once its successor is: settle-rotation.ts.
    if (requestMemory()?.rotation?.presented === id) return write(this.context, [required]);
    const spent = newSpent({ at: this.context.clock.now(), end: '-' });
    await write(this.context, [required, { do: 'consume', key, by: writeSpent(spent) }]);
  }
}

function spentOf({ payload, spentBy }: Found): Spent | undefined {
  return readSpent(payload ? spentBy : '');
}

/** A token that was used and is forgotten, with all the engine asks of it before it sees that. */
function asItWas(id: string, { place: { grantId }, grant }: Found): AdapterPayload {
  const { iat, exp, accountId, clientId, openid } = grant;
  return {
    kind: 'RefreshToken',
    jti: id,
    grantId,
    ...(iat === undefined ? {} : { iat }),
    ...(exp === undefined ? {} : { exp }),
    ...(accountId === undefined ? {} : { accountId }),
    ...(clientId === undefined ? {} : { clientId }),
    scope: openid?.scope ?? 'openid',
  };
}
