import type { Settings } from '../../src/settings.ts';

/**
 * In a run of the conformance suite (PROFILE=conformance) an app that registers itself gets what else an operator would
 * allow it one by one: the implicit and hybrid flows when it asks for them, and doing without PKCE, which the suite's
 * OpenID Connect plans do not know, where it proves itself at the token endpoint.
 */
export function forConformance(
  { conformance }: Pick<Settings, 'conformance'>,
  asked: Record<string, unknown>,
): Record<string, unknown> {
  if (!conformance) return {};
  const { response_types: answers, grant_types: grants, token_endpoint_auth_method: method } = asked;
  const old =
    (Array.isArray(answers) && answers.some((type) => type !== 'code')) ||
    (Array.isArray(grants) && grants.includes('implicit'));
  return { ...(old ? { allow_implicit: true } : {}), ...(method === 'none' ? {} : { require_pkce: false }) };
}
