import { z } from 'zod';
import { address, list, wholeNumber } from './kinds.ts';

/** How e-mail and text messages leave, and how many. */
export const messagesSettings = {
  SMTP_URL: address('smtp:', 'smtps:')
    .optional()
    .meta({ description: 'How e-mail leaves. Unset: the development outbox, on loopback issuers only.' }),
  MAIL_FROM: z
    .string()
    .default('Latchkey <no-reply@localhost>')
    .meta({ description: 'The sender of e-mail.' }),
  SMS_URL: address('https:', 'http:').optional().meta({
    description:
      'An HTTP endpoint that sends text messages: POST JSON {to, text}. Unset: the development outbox, or no text messages.',
  }),
  SMS_TOKEN: z.string().optional().meta({ description: 'Sent to SMS_URL as a Bearer token.' }),
  TEXTS_PER_HOUR: wholeNumber(1, 10_000_000).default(1000).meta({
    description:
      'The most text messages in an hour, for the whole service: a ceiling on what abuse can cost.',
  }),
  TEXT_COUNTRIES: list
    .refine((codes) => codes.every((code) => /^[A-Z]{2}$/.test(code)), 'must be country codes like DE,AT,CH')
    .default([])
    .meta({ description: 'The countries (ISO 3166-1 alpha-2) text messages go to. Unset: everywhere.' }),
  DEFAULT_PHONE_REGION: z
    .string()
    .regex(/^[A-Z]{2}$/, 'must be a country code like DE')
    .default('US')
    .meta({
      description: 'The country of phone numbers written without a country code (ISO 3166-1 alpha-2).',
    }),
};
