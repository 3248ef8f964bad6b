import { z } from 'zod';
import { list } from './kinds.ts';

/** What is written in the libraries, so that they work as they are in a network where these names lead here. */
const theirHosts = [
  'www.amazon.com',
  'www.amazon.co.uk',
  'www.amazon.co.jp',
  'na.account.amazon.com',
  'eu.account.amazon.com',
  'apac.account.amazon.com',
  'api.amazon.com',
  'api.amazon.co.uk',
  'api.amazon.de',
  'api.amazon.co.jp',
  'api.sandbox.amazon.com',
  'api.sandbox.amazon.co.uk',
  'api.sandbox.amazon.de',
  'api.sandbox.amazon.co.jp',
];

const hostName = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
const prefix = z
  .string()
  .regex(
    /^[\x21\x23-\x5b\x5d-\x7e]{1,32}$/,
    'must be 1 to 32 visible ASCII characters without quotes or backslashes',
  );

/** The Login-with-Amazon-shaped face (docs/login-with-amazon.md): the names it is reached by, and what its ids look like. */
export const compatSettings = {
  COMPAT_HOSTS: list
    .transform((hosts) => (hosts.join() === 'none' ? [] : hosts.map((host) => host.toLowerCase())))
    .superRefine((hosts, problem) => {
      for (const host of hosts)
        if (!hostName.test(host))
          problem.addIssue({
            code: 'custom',
            message: `has "${host.slice(0, 80)}", which is not a host name`,
          });
    })
    .default([...theirHosts])
    .meta({
      description:
        'Host names besides that of ISSUER under which the Login-with-Amazon-shaped addresses answer, and nothing else does, such as www.example.com,api.example.com. none for no other.',
    }),
  COMPAT_ACCESS_TOKEN_PREFIX: prefix
    .default('Atza|')
    .meta({ description: 'How access tokens of apps with login_with_amazon begin.' }),
  COMPAT_REFRESH_TOKEN_PREFIX: prefix
    .default('Atzr|')
    .meta({ description: 'How refresh tokens of apps with login_with_amazon begin.' }),
  COMPAT_ID_PREFIX: z
    .string()
    .regex(
      /^[a-z0-9][a-z0-9.-]{0,30}\.$/,
      'must be lower-case letters, digits, dots and hyphens, and end in a dot',
    )
    .default('amzn1.')
    .meta({
      description:
        'How ids of that face begin: of people (account.), apps (application-oa2-client.) and their families (application.). People and apps get new ones when it changes.',
    }),
  COMPAT_TOKENINFO_ISS: z
    .string()
    .refine((text) => URL.canParse(text), 'must be an address')
    .default('https://www.amazon.com')
    .meta({ description: 'What its token information says in iss.' }),
};
