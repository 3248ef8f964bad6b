/**
 * How surely somebody proved who they are, in three levels, each above the one before it (docs/decisions/0031-levels.md). What
 * a session has reached follows from its `amr` (RFC 8176), which the sign-in wrote down as it happened; no level is kept
 * beside it, so none can be claimed that was not proved.
 *
 *   urn:latchkey:acr:1fa   one factor, a trusted device included
 *   urn:latchkey:acr:2fa   two factors
 *   phr                    two factors, one of them a key that works for this site alone: a passkey or a security key
 *                          (OpenID Connect Extended Authentication Profile ACR Values 1.0)
 *
 * `phrh` (protected by hardware) is not offered: without attestation nobody can know (docs/decisions/0018-passkeys.md).
 */
export const levelNames = ['urn:latchkey:acr:1fa', 'urn:latchkey:acr:2fa', 'phr'] as const;
type LevelName = (typeof levelNames)[number];

/** 0: nothing was asked for, or nothing is known. */
export type Level = 0 | 1 | 2 | 3;
export const twoFactors = 2 satisfies Level;
export const phishingResistant = 3 satisfies Level;

export function levelOf(amr: readonly string[] = []): Level {
  if (amr.length === 0) return 0;
  if (!amr.includes('mfa')) return 1;
  return amr.includes('hwk') || amr.includes('swk') ? 3 : 2;
}

/**
 * Of `amr` what the person showed themselves beyond a first factor. Beside an approval (`mca`) and without a password, the key was
 * the first factor, and the second was given by somebody on another device.
 */
export function ownProofs(amr: readonly string[]): readonly string[] {
  if (!amr.includes('mca') || amr.includes('pwd')) return amr;
  return amr.filter((one) => one !== 'hwk' && one !== 'swk');
}

/** What an authorization request asks for. */
export type Wanted = {
  /** The least that would do; 0 when it names no level that we know. */
  least: Level;
  /** The levels that it names, the one it likes best first. */
  named: LevelName[];
  /** Without it no answer is any use (OpenID Connect Core section 5.5.1.1). */
  essential: boolean;
};

type Params = { acr_values?: unknown; claims?: unknown };

/**
 * From the parameters of the request. The claim `acr`, asked for by itself, goes before `acr_values`, where the engine has
 * put what the app registered (`default_acr_values`) when the request had none.
 */
export function wantedLevel({ acr_values: values, claims }: Params): Wanted {
  const claim = acrClaim(claims);
  const asked = claim ? claim.values : typeof values === 'string' ? values.split(' ') : [];
  const named = asked.filter(isLevel);
  const least = Math.min(...named.map(rankOf));
  return { named, essential: claim?.essential ?? false, least: named.length > 0 ? (least as Level) : 0 };
}

/** Asked for as essential, and nothing that we have. */
export function cannotBeMet({ essential, least }: Wanted): boolean {
  return essential && least === 0;
}

/** What the ID token says: what the app asked for, where that is true, else the level itself. */
export function acrFor(amr: readonly string[] | undefined, wanted: Wanted): string | undefined {
  const level = levelOf(amr);
  return wanted.named.find((name) => rankOf(name) <= level) ?? levelNames[level - 1];
}

function acrClaim(claims: unknown): { essential: boolean; values: string[] } | undefined {
  if (typeof claims !== 'string' || !claims.includes('"acr"')) return undefined;
  const acr = parsed(claims)?.id_token?.acr;
  if (acr === undefined || acr === null) return undefined;
  const values = [acr.value, ...(Array.isArray(acr.values) ? acr.values : [])];
  const texts = values.filter((one) => typeof one === 'string');
  // Asked for without a value, it is only to be said (section 5.5.1).
  return texts.length > 0 ? { essential: acr.essential === true, values: texts } : undefined;
}

type AcrRequest = { essential?: unknown; value?: unknown; values?: unknown };

function parsed(claims: string): { id_token?: { acr?: AcrRequest | null } } | undefined {
  try {
    return JSON.parse(claims);
  } catch {
    return undefined;
  }
}

function isLevel(name: string): name is LevelName {
  return levelNames.some((one) => one === name);
}

function rankOf(name: LevelName): number {
  return levelNames.indexOf(name) + 1;
}
