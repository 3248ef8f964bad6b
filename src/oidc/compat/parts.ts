import type { FindAccount, Provider } from 'oidc-provider';
import type { Services } from '../../services.ts';
import type { PairwiseSubjects } from '../pairwise.ts';

/** What this face answers with: the engine of the moment, and what it was set up with. */
export type CompatParts = {
  services: Services;
  provider: Provider;
  findAccount: FindAccount;
  subjects: PairwiseSubjects;
};
