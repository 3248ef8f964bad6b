import type { Context } from 'koa';
import { sourceOf } from '../../web/request-state.ts';
import { retryAfterSeconds } from '../unavailable.ts';

/**
 * Answers as libraries of this kind read them. The texts are those that some of them match; the names of what was wrong
 * are from a closed list, so that nothing that was sent comes back.
 */
export type Refusal = {
  status: number;
  error: string;
  description: string;
};

const refusal = (status: number, error: string) => (description: string) => ({ status, error, description });
const badRequest = refusal(400, 'invalid_request');
const badGrant = refusal(400, 'invalid_grant');

export const refusals = {
  missing: (name: string) => badRequest(`The request is missing a required parameter : ${name}`),
  malformed: badRequest('Malformed request'),
  tooLarge: refusal(413, 'invalid_request')('Malformed request'),
  invalid: (name: string) => badRequest(`The request has an invalid parameter : ${name}`),
  client: refusal(401, 'invalid_client')('Client authentication failed'),
  grant: (name: string) => badGrant(`The request has an invalid grant parameter : ${name}`),
  revoked: badGrant(
    "The request has an invalid grant parameter : refresh_token. User may have revoked or didn't grant the permission.",
  ),
  notAllowed: refusal(400, 'unauthorized_client')('Not authorized for requested operation'),
  grantType: refusal(
    400,
    'unsupported_grant_type',
  )('The authorization grant type is not supported by the authorization server'),
  codePair: refusal(400, 'invalid_code_pair')('The code pair is not known, or it is over'),
  scope: refusal(400, 'invalid_scope')('An unknown scope was requested'),
  token: refusal(400, 'invalid_token')('The request has an invalid parameter : access_token'),
  scopeOfToken: refusal(401, 'insufficient_scope')('The access token does not have the required scope'),
  method: refusal(405, 'invalid_request')('The request method is not supported here'),
  unavailable: refusal(503, 'temporarily_unavailable')('The service is not available right now, try again'),
  failed: refusal(500, 'server_error')('The authorization server met an unexpected condition'),
} as const;

export function answer(ctx: Context, status: number, body: object): void {
  ctx.status = status;
  ctx.body = body;
  // As these libraries have always seen it, and after the body, which would name a type of its own.
  ctx.set('Content-Type', 'application/json;charset=UTF-8');
  ctx.set('Cache-Control', 'no-store');
  ctx.set('Pragma', 'no-cache');
  ctx.set('x-amzn-RequestId', sourceOf(ctx).requestId);
}

export function refuse(ctx: Context, { status, error, description }: Refusal): void {
  // RFC 6749 section 5.2: who tried the header is told which scheme it takes.
  if (status === 401 && error === 'invalid_client' && ctx.get('authorization'))
    ctx.set('WWW-Authenticate', 'Basic realm="latchkey"');
  if (status === 503) ctx.set('Retry-After', String(retryAfterSeconds));
  answer(ctx, status, { error_description: description, error, request_id: sourceOf(ctx).requestId });
}
