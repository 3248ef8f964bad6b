import type { Settings } from '../settings.ts';

/** Told by discovery where apps may bring themselves in. The engine's own registration stays off: clients/registration. */
export function registrationEndpoint({
  DYNAMIC_REGISTRATION,
  issuer,
}: Pick<Settings, 'DYNAMIC_REGISTRATION' | 'issuer'>): { registration_endpoint?: string } {
  return DYNAMIC_REGISTRATION === 'off' ? {} : { registration_endpoint: `${issuer.origin}/register` };
}
