import { type Client, errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Services } from '../../services.ts';
import { assertShortLived } from '../token-policies.ts';
import { isHighAssurance, strongAlgorithms } from './high-assurance.ts';

type Claims = Record<string, unknown>;
type Header = { alg?: unknown; typ?: unknown };

/**
 * A client assertion (RFC 7523). Of high assurance: for the issuer and nobody else, as one text, so that it cannot be
 * handed on to another server that the app was led to (FAPI 2.0 Security Profile section 5.3.2.1), and signed well. An
 * app that only asks people by name is led nowhere: for it the endpoints count too, as CIBA Core section 7.1 demands.
 */
export function judgeAssertion(services: Pick<Services, 'clock'>) {
  return (ctx: KoaContextWithOIDC, claims: Claims, header: Header): void => {
    assertShortLived(services, claims);
    if (!isMeantAs('client-authentication+jwt', header))
      throw new errors.InvalidClientAuth('the JWT is of another type');
    const { client, issuer } = ctx.oidc;
    if (!client || !isHighAssurance(client)) return;
    if (claims['aud'] !== issuer && !asksByNameOnly(client))
      throw new errors.InvalidClientAuth('audience (aud) must equal the issuer identifier url');
    if (!isStrong(header)) throw new errors.InvalidClientAuth('alg mismatch');
  };
}

function asksByNameOnly({ grantTypes = [] }: Client): boolean {
  return (
    grantTypes.includes('urn:openid:params:grant-type:ciba') && !grantTypes.includes('authorization_code')
  );
}

const mostLife = 3600;
/** A moment that every request object of these endpoints must name. */
const alwaysNeeded = { backchannel_authentication: ['exp', 'iat', 'nbf', 'jti'] } as Record<string, string[]>;

/**
 * A signed authorization request (RFC 9101): good for an hour at most (FAPI 2.0 Message Signing section 5.3.1), so that
 * one which is found later asks for nothing. The engine has looked at signature, issuer, audience and times.
 */
export function judgeRequestObject(
  ctx: KoaContextWithOIDC,
  claims: Claims,
  header: Header,
  client: object,
): void {
  if (!isMeantAs('oauth-authz-req+jwt', header))
    throw new errors.InvalidRequestObject('the JWT is of another type');
  const strict = isHighAssurance(client);
  // What was pushed plainly is kept by the engine as an unsigned object of its own making.
  const own = 'PushedAuthorizationRequest' in ctx.oidc.entities;
  const needed = [...(strict ? ['exp', 'aud', 'nbf'] : []), ...(alwaysNeeded[ctx.oidc.route] ?? [])];
  for (const name of needed) if (claims[name] === undefined) throw missing(name);
  if (!strict) return;
  const life = Number(claims['exp']) - Number(claims['nbf']);
  if (!(life > 0 && life <= mostLife))
    throw new errors.InvalidRequestObject("Request Object 'exp' claim too far from 'nbf' claim");
  if (!own && !isStrong(header)) throw new errors.InvalidRequestObject('unsupported signed request alg');
}

function missing(name: string): Error {
  return new errors.InvalidRequestObject(`Request Object is missing the '${name}' claim`);
}

/**
 * What says that it is something else is not taken (RFC 8725 section 3.11): a request is seen by whoever sees the address bar,
 * and must not become the word of the app. Many libraries write no type at all, or `JWT`.
 */
function isMeantAs(kind: string, { typ }: Header): boolean {
  if (typ === undefined) return true;
  const said = String(typ)
    .toLowerCase()
    .replace(/^application\//, '');
  return said === 'jwt' || said === kind;
}

function isStrong({ alg }: Header): boolean {
  return strongAlgorithms.some((one) => one === alg);
}
