import { z } from 'zod';
import { addressList, webAddress } from './kinds.ts';

/** What happens when people sign out. */
export const signOutMembers = {
  post_logout_redirect_uris: addressList.default([]).meta({ description: 'Where people go after sign-out.' }),
  backchannel_logout_uri: webAddress.optional(),
  backchannel_logout_session_required: z.boolean().optional(),
};
