/** The endpoints that have another name at MTLS_ORIGIN, by their names in discovery (RFC 8705 section 5). */
export const mtlsEndpoints = {
  token_endpoint: '/token',
  introspection_endpoint: '/introspect',
  revocation_endpoint: '/revoke',
  pushed_authorization_request_endpoint: '/par',
  userinfo_endpoint: '/userinfo',
  device_authorization_endpoint: '/device/authorize',
  backchannel_authentication_endpoint: '/backchannel',
} as const;
