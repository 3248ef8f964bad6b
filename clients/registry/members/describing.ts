import { z } from 'zod';
import { logoAddress, shownText, webAddress } from './kinds.ts';

/** What people read about the app (RFC 7591 section 2), and who answers for it. */
export const describingMembers = {
  client_name: shownText(80).optional().meta({ description: 'The name on the consent page.' }),
  logo_uri: logoAddress
    .optional()
    .meta({ description: 'Where its logo is fetched from, once; a data: address hands in the logo itself.' }),
  client_uri: webAddress.optional().meta({ description: "The app's home page." }),
  policy_uri: webAddress.optional().meta({ description: "The app's privacy notice." }),
  tos_uri: webAddress.optional().meta({ description: "The app's terms of use." }),
  contacts: z
    .array(z.email('must be an e-mail address.').max(254))
    .max(10, 'has more than 10 entries. Remove some.')
    .optional(),
  software_id: shownText(200).optional(),
  software_version: shownText(100).optional(),
};
