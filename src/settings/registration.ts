import { z } from 'zod';
import { list, onOff, wholeNumber } from './kinds.ts';

/** Who may bring an app in without an operator. */
export const registrationSettings = {
  DYNAMIC_REGISTRATION: z.enum(['off', 'token', 'open']).default('off').meta({
    description:
      'Registration over HTTP (RFC 7591). token: with a token of `latchkey registration-tokens create`. open: by everybody; people are told that nobody looked at such an app.',
  }),
  REGISTRATIONS_PER_HOUR: wholeNumber(1, 100_000).default(50).meta({
    description:
      'So many apps may come from one address in an hour when registration is open; from all together ten times as many.',
  }),
  CLIENT_ID_METADATA_DOCUMENTS: onOff.default(false).meta({
    description:
      'on: an https address may be the id of an app, and what the app says of itself is fetched from there, as MCP clients want it. People are told that nobody looked at it.',
  }),
  CLIENT_ID_METADATA_BLOCKED_HOSTS: list.default([]).meta({
    description: 'Hosts whose documents are not fetched, nor those of hosts below them.',
  }),
};
