import type { Settings } from '../settings.ts';

/** Told by discovery: where and how apps may bring themselves in. The engine's own registration stays off: clients/registration. */
export function registrationEndpoint({
  DYNAMIC_REGISTRATION,
  CLIENT_ID_METADATA_DOCUMENTS,
  issuer,
}: Pick<Settings, 'DYNAMIC_REGISTRATION' | 'CLIENT_ID_METADATA_DOCUMENTS' | 'issuer'>): Record<
  string,
  string | boolean
> {
  return {
    ...(DYNAMIC_REGISTRATION === 'off' ? {} : { registration_endpoint: `${issuer.origin}/register` }),
    ...(CLIENT_ID_METADATA_DOCUMENTS ? { client_id_metadata_document_supported: true } : {}),
  };
}
