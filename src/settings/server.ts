import { z } from 'zod';
import { isIssuer, list, onOff, wholeNumber } from './kinds.ts';
import { checkProxies } from './plainly.ts';

/** Where it listens, who it is, and how it runs. */
export const serverSettings = {
  ISSUER: z
    .string()
    .refine(isIssuer, 'must be an https origin without path or slash at the end; http only for localhost')
    .default('http://localhost:3000')
    .meta({
      description:
        'The public address. Every link, redirect and cookie is built from it alone. Unset, with another PORT: localhost with that port.',
    }),
  PORT: wholeNumber(0, 65535)
    .default(3000)
    .meta({ description: 'The port it listens on; 0 picks a free one.' }),
  HOST: z.string().min(1).default('127.0.0.1').meta({ description: 'The address it listens on.' }),
  METRICS_PORT: wholeNumber(0, 65535)
    .optional()
    .meta({ description: 'Prometheus metrics are served on this port of HOST, and nowhere else.' }),
  TRUSTED_PROXIES: list.superRefine(checkProxies).default([]).meta({
    description: 'Addresses or CIDR ranges whose Forwarded and X-Forwarded-For headers are believed.',
  }),
  WORKERS: wholeNumber(1, 256)
    .default(1)
    .meta({ description: 'Processes; more than one needs Redis and PostgreSQL.' }),
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .meta({ description: 'The least level that is logged.' }),
  ALLOW_LOOPBACK_FETCH: onOff
    .default(false)
    .meta({ description: 'on lets the server fetch jwks_uri and the like from loopback, for test suites.' }),
  DEMO: onOff.default(false).meta({
    description: 'on also serves the demonstration app (`npm start` turns it on). Loopback issuers only.',
  }),
};
